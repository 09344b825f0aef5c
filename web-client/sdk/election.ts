// Elects the tab that holds the connection: the one that holds a lock. Closing or crashing a tab frees its lock.

import type { LocksLike } from "./environment.js";

export interface Elected {
  lead(): void;
  /** Another tab has taken the lock from this one, because this one did not answer. */
  stepDown(): void;
}

export class Election {
  #release = (): void => undefined;
  #waiting = new AbortController();
  #hasLeft = false;

  constructor(
    private readonly locks: LocksLike,
    private readonly name: string,
    private readonly elected: Elected,
  ) {}

  /** Waits for the lock. */
  join(): void {
    const { signal } = (this.#waiting = new AbortController());
    this.#hold({ signal }).catch(() => {
      if (!signal.aborted) this.elected.lead(); // pages in a sandbox may not use locks
    });
  }

  /** Takes the lock from a tab that does not answer. */
  steal(): void {
    this.#waiting.abort();
    this.#hold({ steal: true }).catch(() => undefined);
  }

  leave(): void {
    this.#hasLeft = true;
    this.#waiting.abort();
    this.#release();
  }

  async #hold(options: { signal?: AbortSignal; steal?: boolean }): Promise<void> {
    let isHeld = false;
    const held = this.locks.request(this.name, options, () => {
      if (this.#hasLeft) return Promise.resolve();
      isHeld = true;
      this.elected.lead();
      return new Promise<void>((resolve) => (this.#release = resolve));
    });
    await held.catch((error: unknown) => {
      if (!isHeld) throw error;
      this.elected.stepDown();
    });
  }
}
