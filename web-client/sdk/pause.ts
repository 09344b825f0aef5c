// A wait that can be cut short.

export class Pause {
  private wakeUp: (() => void) | undefined;

  /** Resolves after `ms`, or as soon as somebody calls `wake`. */
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
