// The long-poll fallback: one poll after the other, from the same cursor map as the socket.

import { delayMs, POLL_BACKOFF } from "./backoff";
import { LoggedOut } from "./error";
import type { Feed } from "./feed";
import { Pause } from "./pause";
import type { Rest } from "./rest";
import type { Surroundings } from "./surroundings";
import type { CursorMap, Event, Polled } from "./wire";

export const POLL_WAIT_MS = 25_000;
/** Between two polls that answered at once: a poll that brings nothing new must not spin. */
const POLL_REST_MS = 100;

export interface PollListener {
  event(event: Event): void;
  /** Heads of a first poll, made without a cursor map. */
  began(heads: CursorMap): void;
  healthy(): void;
  unhealthy(): void;
  loggedOut(): void;
}

export class Polls {
  private stop: AbortController | undefined;
  private readonly pause = new Pause();

  constructor(
    private readonly surroundings: Surroundings,
    private readonly rest: Rest,
    private readonly feed: Feed,
    private readonly listener: PollListener,
    private readonly hasBegun: () => boolean,
  ) {}

  start(): void {
    if (this.stop) return;
    this.stop = new AbortController();
    void this.run(this.stop.signal);
  }

  end(): void {
    this.stop?.abort();
    this.stop = undefined;
    this.pause.wake();
  }

  wake(): void {
    this.pause.wake();
  }

  private async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    let wait_ms = 0; // the first poll only asks what was missed
    while (!signal.aborted) {
      try {
        const answer = await this.once(wait_ms, signal);
        if (signal.aborted) return;
        failures = 0;
        wait_ms = POLL_WAIT_MS;
        this.listener.healthy();
        await this.take(answer);
        await this.pause.wait(POLL_REST_MS);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof LoggedOut) return this.listener.loggedOut();
        wait_ms = 0;
        this.listener.unhealthy();
        await this.pause.wait(delayMs(POLL_BACKOFF, failures, this.surroundings.chance()));
        failures += 1;
      }
    }
  }

  private once(wait_ms: number, signal: AbortSignal): Promise<Polled> {
    const resume = this.hasBegun() ? this.feed.cursorMap() : undefined;
    return this.rest.poll(resume, wait_ms, signal);
  }

  /** The next poll waits for the holes to be read, and goes on at least where the answer says. */
  private async take(answer: Polled): Promise<void> {
    if (!this.hasBegun()) return this.listener.began(answer.resume);
    for (const event of answer.events) this.listener.event(event);
    await this.feed.settled();
    for (const [conversation, seq] of Object.entries(answer.resume)) this.feed.head(conversation, seq);
    await this.feed.settled();
  }
}
