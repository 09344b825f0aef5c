// How long to wait before the next attempt: exponential, with jitter, bounded.

export interface Backoff {
  readonly first_ms: number;
  readonly max_ms: number;
}

export const SOCKET_BACKOFF: Backoff = { first_ms: 1_000, max_ms: 30_000 };
export const SOCKET_WHILE_POLLING_BACKOFF: Backoff = { first_ms: 15_000, max_ms: 120_000 };
export const POLL_BACKOFF: Backoff = SOCKET_BACKOFF;
export const SEND_BACKOFF: Backoff = { first_ms: 500, max_ms: 15_000 };

/**
 * Returns the delay before attempt `n` (from 0): a random time up to the current step. The jitter spreads
 * clients that lost their connection at the same time.
 */
export function delayMs(backoff: Backoff, n: number, random: number): number {
  return Math.round(random * Math.min(backoff.max_ms, backoff.first_ms * 2 ** Math.max(0, n)));
}

/** Like `delayMs`, but at least half of the step. For cases where an early attempt cannot succeed. */
export function patientDelayMs(backoff: Backoff, n: number, random: number): number {
  return delayMs(backoff, n, 0.5 + random / 2);
}

/** Returns the time that the gateway asked for, plus up to half of it as jitter. */
export function spreadMs(asked_ms: number, random: number): number {
  return Math.round(asked_ms + (asked_ms / 2) * random);
}
