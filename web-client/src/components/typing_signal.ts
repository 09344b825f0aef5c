// Sends typing signals: repeatedly while the user types, and once when they stop.

const REPEAT_MS = 3_000;
const STOP_AFTER_MS = 5_000;

export function createTypingSignal(send: (on: boolean) => void) {
  let sentAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function stop(): void {
    clearTimeout(timer);
    if (sentAt > 0) send(false);
    sentAt = 0;
  }

  function typed(text: string): void {
    if (text.trim() === "") return stop();
    clearTimeout(timer);
    timer = setTimeout(stop, STOP_AFTER_MS);
    if (Date.now() - sentAt < REPEAT_MS) return;
    sentAt = Date.now();
    send(true);
  }

  return { typed, stop };
}
