// How long to wait before the next attempt: exponential, with jitter, bounded.

export interface Backoff {
  readonly first_ms: number;
  readonly max_ms: number;
}

export const SOCKET_BACKOFF: Backoff = { first_ms: 500, max_ms: 15_000 };
export const SOCKET_WHILE_POLLING_BACKOFF: Backoff = { first_ms: 15_000, max_ms: 120_000 };
export const POLL_BACKOFF: Backoff = { first_ms: 500, max_ms: 15_000 };
export const SEND_BACKOFF: Backoff = { first_ms: 400, max_ms: 15_000 };

/** Between half and the whole of the step, so that clients which fell together rise apart. */
export function delayMs(backoff: Backoff, failures: number, chance: number): number {
  const step = Math.min(backoff.max_ms, backoff.first_ms * 2 ** Math.max(0, failures - 1));
  return Math.round(step / 2 + (step / 2) * chance);
}

/** Never earlier than the server asked for, and spread over the same span again. */
export function spreadMs(asked_ms: number, chance: number): number {
  return Math.round(asked_ms + asked_ms * chance);
}
