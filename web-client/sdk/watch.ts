// Watching people: the presence of those who are shown, and of nobody else.
//
// Whoever shows a person holds a watch on them. What changed since the gateway was last told is told
// after a moment, and everything again on each new socket, which knows of no watch. While polls carry
// the session, presence is asked from time to time.

import type { Carrier } from "./command";
import type { Presence } from "./wire";

export const WATCH_GATHER_MS = 100;
export const ASK_EVERY_MS = 20_000;
export const WATCHED_MAX = 256;
/** How many a question without a socket may name. */
const ASKED_MAX = 100;

export class Watch {
  private readonly holds = new Map<string, number>();
  private told = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly carrier: Carrier & { readonly isAttached: boolean },
    private readonly seen: (presence: Presence) => void,
  ) {}

  /** Returns what ends the hold. */
  hold(user: string): () => void {
    this.holds.set(user, (this.holds.get(user) ?? 0) + 1);
    this.changed();
    let held = true;
    return () => {
      if (held) this.release(user);
      held = false;
    };
  }

  /** Something new carries the session, over a socket or by polls. */
  attached(over: "online" | "polling"): void {
    clearInterval(this.asking);
    this.asking = over === "polling" ? setInterval(() => this.askAnew(), ASK_EVERY_MS) : undefined;
    this.askAnew();
  }

  stop(): void {
    clearInterval(this.asking);
    clearTimeout(this.timer);
  }

  private askAnew(): void {
    this.told.clear();
    void this.tell();
  }

  private release(user: string): void {
    const left = (this.holds.get(user) ?? 1) - 1;
    if (left > 0) this.holds.set(user, left);
    else this.holds.delete(user);
    this.changed();
  }

  private changed(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.tell();
    }, WATCH_GATHER_MS);
  }

  private async tell(): Promise<void> {
    if (!this.carrier.isAttached) return;
    const told = this.told;
    const gone = [...told].filter((user) => !this.holds.has(user));
    const room = (this.asking ? ASKED_MAX : WATCHED_MAX) - told.size + gone.length;
    const come = [...this.holds.keys()].filter((user) => !told.has(user)).slice(0, room);
    gone.forEach((user) => told.delete(user));
    come.forEach((user) => told.add(user));
    try {
      if (gone.length > 0) await this.carrier.execute({ cmd: "unwatch", users: gone });
      if (come.length > 0) (await this.carrier.execute({ cmd: "watch", users: come })).presence.forEach(this.seen);
    } catch {
      come.forEach((user) => told.delete(user)); // told again with the next change or the next socket
    }
  }
}
