// A delay that can be ended early.

export class Pause {
  private wakeUp: (() => void) | undefined;

  /** Resolves after `ms`, or earlier when `wake` is called. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), ms);
      this.wakeUp = () => {
        clearTimeout(timer);
        this.wakeUp = undefined;
        resolve();
      };
    });
  }

  wake(): void {
    this.wakeUp?.();
  }
}
