// One HTTP call with JSON bodies and a timeout. It fails with `ConfabError` or `Unreachable`.

import { ConfabError, problem, type Problem, Unreachable } from "./error.js";
import type { Shape } from "./shape.js";
import type { Environment } from "./environment.js";

export const REQUEST_TIMEOUT_MS = 10_000;

export interface Call<T> {
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  shape: Shape<T>;
  /** Reads what the shape gets. By default JSON. */
  read?: (response: Response) => Promise<unknown>;
  /** A blob is sent as it is, everything else as JSON. */
  body?: object;
  headers?: Record<string, string>;
  token?: string;
  timeout_ms?: number;
  signal?: AbortSignal | undefined;
}

export async function call<T>(environment: Environment, request: Call<T>): Promise<T> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  const cancel = environment.after(request.timeout_ms ?? REQUEST_TIMEOUT_MS, abort);
  request.signal?.addEventListener("abort", abort);
  if (request.signal?.aborted) abort();
  try {
    const response = await environment.fetch(environment.base_url + request.path, {
      method: request.method,
      headers: headersOf(request),
      signal: stop.signal,
      cache: "no-store",
      body: request.body instanceof Blob ? request.body : JSON.stringify(request.body),
    });
    if (!response.ok) throw new ConfabError(await problemOf(response));
    const read = request.read?.(response) ?? (response.status === 204 ? {} : response.json());
    return request.shape(await read, `${request.method} ${request.path}`);
  } catch (error) {
    if (error instanceof ConfabError) throw error;
    throw new Unreachable((error as Error).message);
  } finally {
    cancel();
    request.signal?.removeEventListener("abort", abort);
  }
}

function headersOf(request: Call<unknown>): Record<string, string> {
  return {
    Accept: "application/json",
    ...(request.body && { "Content-Type": "application/json" }),
    ...(request.token && { Authorization: `Bearer ${request.token}` }),
    ...request.headers,
  };
}

/**
 * Returns the problem object of an error response. Without one, the answer is not from the gateway but from something
 * before it, such as a proxy, and says nothing about the request.
 */
async function problemOf(response: Response): Promise<Problem> {
  const retry_after_ms = Number(response.headers.get("Retry-After")) * 1000 || undefined;
  try {
    return { retry_after_ms, ...problem(await response.json(), "problem") };
  } catch {
    throw new Unreachable(`the answer ${response.status} is not from the gateway`);
  }
}
