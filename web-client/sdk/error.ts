// What can go wrong: the gateway said no, or nobody said anything.

import { anything, flag, mapOf, maybe, record, type Shaped, text, whole } from "./shape";

/** The error object, the same on every transport. The list of codes is closed. */
export const problem = record({
  code: text,
  message: text,
  retryable: flag,
  retry_after_ms: maybe(whole),
  details: maybe(mapOf(anything)),
});
export type Problem = Shaped<typeof problem>;

/** The gateway refused; `code` says why. */
export class ConfabError extends Error {
  override name = "ConfabError";
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
  get code(): string {
    return this.problem.code;
  }
  get retryable(): boolean {
    return this.problem.retryable;
  }
  get retryAfterMs(): number | undefined {
    return this.problem.retry_after_ms;
  }
}

/** Nothing came back: no connection, a time-out, or an answer that is none of the protocol's. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** The login is over; only a new log-in helps. */
export class LoggedOut extends Error {
  override name = "LoggedOut";
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof ConfabError && codes.includes(error.code);
}

/** Whether the same attempt, made again later, may succeed. */
export function mayRetry(error: unknown): boolean {
  if (error instanceof ConfabError) return error.retryable || error.code === "token_expired";
  return error instanceof Unreachable;
}
