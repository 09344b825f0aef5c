// Watching people: the presence of those who are shown, and of nobody else.
//
// Whoever shows a person holds a watch on them; the set of all is told when it changes and again on
// each new socket. While polls carry the session, presence is asked from time to time.

import type { Carrier } from "./command";
import type { Presence } from "./wire";

export const WATCH_GATHER_MS = 100;
export const ASK_EVERY_MS = 20_000;
export const WATCHED_MAX = 100;

export class Watch {
  private readonly holds = new Map<string, number>();
  private told = "";
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

  /** A new socket knows of no watch; polls never do. */
  attached(over: string): void {
    this.told = "";
    clearInterval(this.asking);
    this.asking = over === "polling" ? setInterval(() => void this.tell(), ASK_EVERY_MS) : undefined;
    void this.tell();
  }

  stop(): void {
    clearInterval(this.asking);
    clearTimeout(this.timer);
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
      if (this.key() !== this.told) void this.tell();
    }, WATCH_GATHER_MS);
  }

  private key(): string {
    return [...this.holds.keys()].sort().join(",");
  }

  private async tell(): Promise<void> {
    if (!this.carrier.isAttached) return;
    const users = [...this.holds.keys()].slice(0, WATCHED_MAX);
    const hadSome = this.told !== "";
    this.told = this.key();
    try {
      if (users.length > 0) (await this.carrier.execute({ cmd: "watch", users })).presence.forEach(this.seen);
      else if (hadSome) await this.carrier.execute({ cmd: "unwatch" });
    } catch {
      this.told = ""; // told again with the next change or the next socket
    }
  }
}
