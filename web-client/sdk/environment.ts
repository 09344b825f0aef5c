// What the SDK needs from its environment. Tests provide their own.

/** The part of a browser's WebSocket that the SDK uses. */
export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number; reason: string }) => void) | null;
  send(frame: string): void;
  close(code?: number, reason?: string): void;
}

export interface Environment {
  /** The gateway's URL, `http://…` or `https://…`, with the path of a proxy if there is one, without a slash at the end. */
  readonly base_url: string;
  fetch(url: string, init: RequestInit): Promise<Response>;
  openSocket(url: string, subprotocol: string): SocketLike;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Returns a number from 0 to 1, used only for jitter. */
  random(): number;
  /** Returns a new client id or idempotency key. */
  newId(): string;
}

export function browserEnvironment(base_url: string): Environment {
  return {
    base_url: base_url.replace(/\/+$/, ""),
    fetch: (url, init) => fetch(url, init),
    openSocket: (url, subprotocol) => new WebSocket(url, subprotocol) as unknown as SocketLike,
    now: () => Date.now(),
    random: () => Math.random(),
    newId,
  };
}

/** Returns 128 random bits. `crypto.randomUUID` does not exist on pages that are served without TLS. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const CLIENT_ID_ALPHABET = /^[A-Za-z0-9_-]{1,64}$/;
