// A delay that can be ended early.

import type { Environment } from "./environment.js";

export class Pause {
  #wakeUp: (() => void) | undefined;

  constructor(private readonly environment: Environment) {}

  /** Resolves after `ms`, or earlier when `wake` is called. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.environment.after(ms, () => this.wake());
      this.#wakeUp = () => {
        cancel();
        this.#wakeUp = undefined;
        resolve();
      };
    });
  }

  wake(): void {
    this.#wakeUp?.();
  }
}
