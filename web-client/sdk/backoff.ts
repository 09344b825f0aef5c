// How long to wait before the next attempt: exponential, with jitter, bounded.

export interface Backoff {
  readonly first_ms: number;
  readonly max_ms: number;
}

export const SOCKET_BACKOFF: Backoff = { first_ms: 1_000, max_ms: 30_000 };
export const SOCKET_WHILE_POLLING_BACKOFF: Backoff = { first_ms: 15_000, max_ms: 120_000 };
export const POLL_BACKOFF: Backoff = { first_ms: 1_000, max_ms: 30_000 };
export const SEND_BACKOFF: Backoff = { first_ms: 500, max_ms: 15_000 };

/** Before attempt `n` (from 0): anywhere up to the step, so that clients which fell together rise apart. */
export function delayMs(backoff: Backoff, n: number, chance: number): number {
  return Math.round(chance * Math.min(backoff.max_ms, backoff.first_ms * 2 ** Math.max(0, n)));
}

/** The same, but never less than half of it: where an early attempt cannot help. */
export function patientDelayMs(backoff: Backoff, n: number, chance: number): number {
  return delayMs(backoff, n, 0.5 + chance / 2);
}

/** Never earlier than the gateway asked for, and spread over half as long again. */
export function spreadMs(asked_ms: number, chance: number): number {
  return Math.round(asked_ms + (asked_ms / 2) * chance);
}
