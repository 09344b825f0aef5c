// Watches the presence of the users that are on the screen.
//
// Each component that shows a user holds a watch on them. Changes are combined for a moment and then sent. A
// new socket knows no watches, so all are sent again. While the session polls, presence is requested at
// regular intervals.
//
// The gateway sends no event when somebody starts to show their presence to this user, for example by accepting a
// request. So users whose presence is unknown are watched again when they do something.

import type { Transport } from "./command.js";
import type { Environment } from "./environment.js";
import type { Presence } from "./wire.js";

export const WATCH_DEBOUNCE_MS = 100;
export const PRESENCE_POLL_MS = 20_000;
export const WATCHED_MAX = 256;
export const WATCH_AGAIN_MS = 30_000;
/** Maximum number of users in one presence request over REST. */
const POLLED_MAX = 100;

/** Watches the presence of users. */
export class Watch {
  readonly #holds = new Map<string, number>();
  #watched = new Set<string>();
  readonly #unknown = new Set<string>();
  readonly #watchedAgainAt = new Map<string, number>();
  #cancelSync: (() => void) | undefined;
  #cancelPoll: (() => void) | undefined;

  constructor(
    private readonly transport: Transport & { readonly isAttached: boolean },
    private readonly environment: Environment,
    private readonly onPresence: (presence: Presence) => void,
  ) {}

  /** Watches a user until the returned function is called. Holds on the same user are counted. */
  hold(user: string): () => void {
    this.#holds.set(user, (this.#holds.get(user) ?? 0) + 1);
    this.#scheduleSync();
    let isHeld = true;
    return () => {
      if (isHeld) this.#release(user);
      isHeld = false;
    };
  }

  /** Records the presence of a watched user. */
  receive(presence: Presence): void {
    if (presence.status === "unknown") this.#unknown.add(presence.user);
    else this.#unknown.delete(presence.user);
    this.onPresence(presence);
  }

  /** Watches a user with unknown presence again, at most every 30 s. Called when the user has done something. */
  active(user: string): void {
    const now = this.environment.now();
    const isRecent = now - (this.#watchedAgainAt.get(user) ?? -Infinity) < WATCH_AGAIN_MS;
    if (!this.#unknown.has(user) || !this.#holds.has(user) || isRecent) return;
    this.#watchedAgainAt.set(user, now);
    this.#watched.delete(user);
    this.#scheduleSync();
  }

  /** Called when a socket or polling has taken over the session. */
  attached(over: "online" | "polling"): void {
    this.#cancelPoll?.();
    this.#cancelPoll = over === "polling" ? this.environment.after(PRESENCE_POLL_MS, () => this.attached(over)) : undefined;
    this.#watched.clear();
    void this.#sync();
  }

  stop(): void {
    this.#cancelPoll?.();
    this.#cancelSync?.();
  }

  #release(user: string): void {
    const left = (this.#holds.get(user) ?? 1) - 1;
    if (left > 0) this.#holds.set(user, left);
    else {
      this.#holds.delete(user);
      this.#unknown.delete(user);
    }
    this.#scheduleSync();
  }

  #scheduleSync(): void {
    this.#cancelSync ??= this.environment.after(WATCH_DEBOUNCE_MS, () => {
      this.#cancelSync = undefined;
      void this.#sync();
    });
  }

  async #sync(): Promise<void> {
    if (!this.transport.isAttached) return;
    const watched = this.#watched;
    const removed = [...watched].filter((user) => !this.#holds.has(user));
    const room = (this.#cancelPoll ? POLLED_MAX : WATCHED_MAX) - watched.size + removed.length;
    const added = [...this.#holds.keys()].filter((user) => !watched.has(user)).slice(0, room);
    removed.forEach((user) => watched.delete(user));
    added.forEach((user) => watched.add(user));
    try {
      if (removed.length > 0) await this.transport.execute({ cmd: "unwatch", users: removed });
      if (added.length > 0) (await this.transport.execute({ cmd: "watch", users: added })).presence.forEach((it) => this.receive(it));
    } catch {
      added.forEach((user) => watched.delete(user)); // the next change or the next socket sends them again
    }
  }
}
