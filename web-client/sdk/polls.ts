// The fallback to long polling: polls one after the other, with the same cursors as the socket.

import { delayMs, POLL_BACKOFF } from "./backoff.js";
import { LoggedOut } from "./error.js";
import type { Feed } from "./feed.js";
import { Pause } from "./pause.js";
import type { Rest } from "./rest.js";
import type { Environment } from "./environment.js";
import type { CursorMap, Event, Polled } from "./wire.js";

export const POLL_WAIT_MS = 25_000;
/** Pause between two polls, so that polls which answer at once do not spin. */
const POLL_PAUSE_MS = 100;

export interface PollListener {
  event(event: Event): void;
  /** Receives the heads from a first poll, which has no cursors. */
  firstHeads(heads: CursorMap): void;
  healthy(): void;
  unhealthy(): void;
  loggedOut(): void;
}

export class Polls {
  #stop: AbortController | undefined;
  readonly #pause: Pause;

  constructor(
    private readonly environment: Environment,
    private readonly rest: Rest,
    private readonly feed: Feed,
    private readonly listener: PollListener,
    private readonly hasCursors: () => boolean,
  ) {
    this.#pause = new Pause(environment);
  }

  start(): void {
    if (this.#stop) return;
    this.#stop = new AbortController();
    void this.#run(this.#stop.signal);
  }

  end(): void {
    this.#stop?.abort();
    this.#stop = undefined;
    this.#pause.wake();
  }

  wake(): void {
    this.#pause.wake();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    let wait_ms = 0; // the first poll only fetches what was missed
    while (!signal.aborted) {
      try {
        const answer = await this.#poll(wait_ms, signal);
        if (signal.aborted) return;
        failures = 0;
        wait_ms = POLL_WAIT_MS;
        this.listener.healthy();
        await this.#deliver(answer);
        await this.#pause.wait(POLL_PAUSE_MS);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof LoggedOut) return this.listener.loggedOut();
        wait_ms = 0;
        this.listener.unhealthy();
        await this.#pause.wait(delayMs(POLL_BACKOFF, failures, this.environment.random()));
        failures += 1;
      }
    }
  }

  #poll(wait_ms: number, signal: AbortSignal): Promise<Polled> {
    const resume = this.hasCursors() ? this.feed.cursorMap() : undefined;
    return this.rest.poll(resume, wait_ms, signal);
  }

  /** Delivers the events, then catches up to the answer's `resume`. Waits until no hole is being read. */
  async #deliver(answer: Polled): Promise<void> {
    if (!this.hasCursors()) return this.listener.firstHeads(answer.resume);
    for (const event of answer.events) this.listener.event(event);
    await this.feed.settled();
    for (const [conversation, seq] of Object.entries(answer.resume)) this.feed.catchUpTo(conversation, seq);
    await this.feed.settled();
  }
}
