// What the SDK needs from its environment. Tests provide their own.

import { indexedDbStore, memoryStore, type Store } from "./store.js";

/** The part of a browser's WebSocket that the SDK uses. */
export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number; reason: string }) => void) | null;
  send(frame: string): void;
  close(code?: number, reason?: string): void;
}

/** The part of the browser's Web Locks that the SDK uses. */
export interface LocksLike {
  request(name: string, options: { signal?: AbortSignal; steal?: boolean }, work: () => Promise<unknown>): Promise<unknown>;
}

/** The part of a browser's BroadcastChannel that the SDK uses. */
export interface ChannelLike {
  onmessage: ((message: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** What the SDK uses of its environment. Tests and apps can replace each part. */
export interface Environment {
  /** The gateway's URL, `http://…` or `https://…`, with the path of a proxy if there is one, without a slash at the end. */
  readonly base_url: string;
  fetch(url: string, init: RequestInit): Promise<Response>;
  openSocket(url: string, subprotocol: string): SocketLike;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `work` after a time, and returns a function that prevents it. */
  after(ms: number, work: () => void): () => void;
  /** Returns a number from 0 to 1, used only for jitter. */
  random(): number;
  /** Returns a new client id or idempotency key. */
  newId(): string;
  /** Opens the store that is used if the app gives none. */
  openStore(name: string): Store;
  /** Elects the tab that holds the connection. Without it, each tab connects itself. */
  readonly locks?: LocksLike | undefined;
  /**
   * Calls `changed` with `true` when the network may be back or the page becomes visible, and with `false` when the network
   * is lost. Returns a function that ends this.
   */
  watchNetwork?: ((changed: (isBack: boolean) => void) => () => void) | undefined;
  /** Opens a channel between the tabs. Without it, each tab connects itself. */
  openChannel?: ((name: string) => ChannelLike) | undefined;
}

/** Returns the environment of a browser, or of Node, where tabs and storage are missing. */
export function browserEnvironment(base_url: string): Environment {
  const isBrowser = typeof indexedDB !== "undefined";
  return {
    base_url: base_url.replace(/\/+$/, ""),
    fetch: (url, init) => fetch(url, init),
    openSocket: (url, subprotocol) => new WebSocket(url, subprotocol) as unknown as SocketLike,
    now: () => Date.now(),
    after(ms, work) {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
    newId,
    openStore: (name) => (isBrowser ? indexedDbStore(name) : memoryStore()),
    watchNetwork: isBrowser && typeof document !== "undefined" ? watchNetwork : undefined,
    locks: isBrowser ? (navigator.locks as LocksLike | undefined) : undefined,
    openChannel: isBrowser && typeof BroadcastChannel !== "undefined" ? (name) => new BroadcastChannel(name) as ChannelLike : undefined,
  };
}

function watchNetwork(changed: (isBack: boolean) => void): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  addEventListener("online", () => changed(true), { signal });
  addEventListener("offline", () => changed(false), { signal });
  document.addEventListener("visibilitychange", () => document.hidden || changed(true), { signal });
  return () => ended.abort();
}

/** Returns 128 random bits. `crypto.randomUUID` does not exist on pages that are served without TLS. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
