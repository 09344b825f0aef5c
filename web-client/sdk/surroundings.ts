// What the SDK needs from where it runs; tests bring their own.

/** The part of a browser's WebSocket that the SDK uses. */
export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number; reason: string }) => void) | null;
  send(frame: string): void;
  close(code?: number, reason?: string): void;
}

export interface Surroundings {
  /** The gateway's origin, `http://…` or `https://…`, without a path. */
  readonly base_url: string;
  fetch(url: string, init: RequestInit): Promise<Response>;
  openSocket(url: string, subprotocol: string): SocketLike;
  /** Milliseconds since the epoch. */
  now(): number;
  /** From 0 to 1, for jitter only. */
  chance(): number;
  /** A new client id or idempotency key. */
  freshId(): string;
}

export function browserSurroundings(base_url: string): Surroundings {
  return {
    base_url,
    fetch: (url, init) => fetch(url, init),
    openSocket: (url, subprotocol) => new WebSocket(url, subprotocol) as unknown as SocketLike,
    now: () => Date.now(),
    chance: () => Math.random(),
    freshId,
  };
}

/** 128 random bits; `crypto.randomUUID` is missing where the page is not served securely. */
function freshId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const CLIENT_ID_ALPHABET = /^[A-Za-z0-9_-]{1,64}$/;
