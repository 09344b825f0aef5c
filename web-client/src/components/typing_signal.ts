// Tells that one types, every few seconds while one does, and that one stopped.

const AGAIN_MS = 3_000;
const STOPPED_MS = 5_000;

export function createTypingSignal(tell: (on: boolean) => void) {
  let toldAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function stop(): void {
    clearTimeout(timer);
    if (toldAt > 0) tell(false);
    toldAt = 0;
  }

  function typed(text: string): void {
    if (text.trim() === "") return stop();
    clearTimeout(timer);
    timer = setTimeout(stop, STOPPED_MS);
    if (Date.now() - toldAt < AGAIN_MS) return;
    toldAt = Date.now();
    tell(true);
  }

  return { typed, stop };
}
