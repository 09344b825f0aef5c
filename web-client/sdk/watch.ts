// Watches the presence of the users that are on the screen.
//
// Each component that shows a user holds a watch on them. Changes are combined for a moment and then sent. A
// new socket knows no watches, so all are sent again. While the session polls, presence is requested at
// regular intervals.
//
// The gateway sends no event when somebody starts to show their presence to this user, for example by accepting a
// request. So users whose presence is unknown are watched again when they do something.

import type { Transport } from "./command.js";
import type { Presence } from "./wire.js";

export const WATCH_DEBOUNCE_MS = 100;
export const PRESENCE_POLL_MS = 20_000;
export const WATCHED_MAX = 256;
export const WATCH_AGAIN_MS = 30_000;
/** Maximum number of users in one presence request over REST. */
const POLLED_MAX = 100;

export class Watch {
  private readonly holds = new Map<string, number>();
  private watched = new Set<string>();
  private readonly unknown = new Set<string>();
  private readonly watchedAgainAt = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pollTimer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly transport: Transport & { readonly isAttached: boolean },
    private readonly now: () => number,
    private readonly onPresence: (presence: Presence) => void,
  ) {}

  /** Watches a user until the returned function is called. Holds on the same user are counted. */
  hold(user: string): () => void {
    this.holds.set(user, (this.holds.get(user) ?? 0) + 1);
    this.scheduleSync();
    let isHeld = true;
    return () => {
      if (isHeld) this.release(user);
      isHeld = false;
    };
  }

  /** Records the presence of a watched user. */
  receive(presence: Presence): void {
    if (presence.status === "unknown") this.unknown.add(presence.user);
    else this.unknown.delete(presence.user);
    this.onPresence(presence);
  }

  /** Watches a user with unknown presence again, at most every 30 s. Called when the user has done something. */
  active(user: string): void {
    const now = this.now();
    const isRecent = now - (this.watchedAgainAt.get(user) ?? -Infinity) < WATCH_AGAIN_MS;
    if (!this.unknown.has(user) || !this.holds.has(user) || isRecent) return;
    this.watchedAgainAt.set(user, now);
    this.watched.delete(user);
    this.scheduleSync();
  }

  /** Called when a socket or polling has taken over the session. */
  attached(over: "online" | "polling"): void {
    clearInterval(this.pollTimer);
    this.pollTimer = over === "polling" ? setInterval(() => this.watchAll(), PRESENCE_POLL_MS) : undefined;
    this.watchAll();
  }

  stop(): void {
    clearInterval(this.pollTimer);
    clearTimeout(this.timer);
  }

  private watchAll(): void {
    this.watched.clear();
    void this.sync();
  }

  private release(user: string): void {
    const left = (this.holds.get(user) ?? 1) - 1;
    if (left > 0) this.holds.set(user, left);
    else {
      this.holds.delete(user);
      this.unknown.delete(user);
    }
    this.scheduleSync();
  }

  private scheduleSync(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.sync();
    }, WATCH_DEBOUNCE_MS);
  }

  private async sync(): Promise<void> {
    if (!this.transport.isAttached) return;
    const watched = this.watched;
    const removed = [...watched].filter((user) => !this.holds.has(user));
    const room = (this.pollTimer ? POLLED_MAX : WATCHED_MAX) - watched.size + removed.length;
    const added = [...this.holds.keys()].filter((user) => !watched.has(user)).slice(0, room);
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
