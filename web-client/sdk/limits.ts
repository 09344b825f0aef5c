// What is left of the server's rate limits, for apps that send a lot.

import type { Environment } from "./environment.js";

/** What is left of one rate limit. */
export interface RateLimit {
  /** Such as `messages` or `requests`. */
  name: string;
  /** The number of requests that may follow at once. */
  left: number;
  /** The time until nothing of it is used, if nothing is sent. */
  full_in_ms: number;
}

/**
 * Returns a `fetch` for the environment that reports the rate limits of each answer. Browsers show them only to pages of the
 * server's own origin.
 */
export function withRateLimits(fetch: Environment["fetch"], report: (limits: RateLimit[]) => void): Environment["fetch"] {
  return async (url, init) => {
    const response = await fetch(url, init);
    const limits = rateLimitsOf(response.headers.get("RateLimit") ?? "");
    if (limits.length > 0) report(limits);
    return response;
  };
}

/** Reads a header such as `"messages";r=99;t=1, "conversation";r=999;t=1`. */
function rateLimitsOf(header: string): RateLimit[] {
  const items = [...header.matchAll(/"(\w+)";r=(\d+);t=(\d+)/g)];
  return items.map(([, name = "", left, seconds]) => ({ name, left: Number(left), full_in_ms: Number(seconds) * 1000 }));
}
