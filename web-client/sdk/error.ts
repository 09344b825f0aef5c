// The errors of the SDK: the gateway refused, did not answer, or the login has ended.

import { anything, flag, mapOf, optional, record, type Shaped, text, integer } from "./shape.js";

/** Why the gateway refuses. The list is closed; a newer gateway may still send another code. */
export const ERROR_CODES = [
  "conflict", "forbidden", "internal", "invalid", "key_reused", "not_found", "outcome_unknown", "rate_limited", "token_expired",
  "too_large", "unauthenticated", "unavailable",
] as const;

/** One of `ERROR_CODES`, or a code that only a newer gateway knows. */
export type ErrorCode = (typeof ERROR_CODES)[number] | (string & {});

/** The error object, the same on every transport. The list of codes is closed. */
export const problem = record({
  code: text,
  message: text,
  retryable: flag,
  retry_after_ms: optional(integer),
  details: optional(mapOf(anything)),
});

/** The error object of the protocol. */
export interface Problem extends Shaped<typeof problem> {}

/** The gateway refused; `code` says why. */
export class ConfabError extends Error {
  override name = "ConfabError";
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
  get code(): ErrorCode {
    return this.problem.code;
  }
  get retryable(): boolean {
    return this.problem.retryable;
  }
  get retryAfterMs(): number | undefined {
    return this.problem.retry_after_ms;
  }
  /** What the gateway adds to some errors, such as `max` or `head_seq`. */
  get details(): Record<string, unknown> {
    return this.problem.details ?? {};
  }
  /** The field of the request that the gateway refused. */
  get field(): string | undefined {
    return this.#textDetail("field");
  }
  /** Why the gateway forbids it: `privacy` or `blocked`. */
  get reason(): string | undefined {
    return this.#textDetail("reason");
  }
  #textDetail(name: string): string | undefined {
    const detail = this.details[name];
    return typeof detail === "string" ? detail : undefined;
  }
}

/** There was no valid answer: no connection, a timeout, or an answer that violates the protocol. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** The login has ended. The user must log in again. */
export class LoggedOut extends Error {
  override name = "LoggedOut";
}

/** Returns true if the gateway refused with one of these codes. */
export function isCode(error: unknown, ...codes: ErrorCode[]): boolean {
  return error instanceof ConfabError && codes.includes(error.code);
}

/** Returns true if the same request may succeed later. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ConfabError) return error.retryable || error.code === "token_expired";
  return error instanceof Unreachable;
}
