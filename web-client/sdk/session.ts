// One client's session with the gateway. It uses a socket while possible, falls back to long polling after two
// failed sockets, and later tries a socket again. The cursors make the change invisible.

import { delayMs, patientDelayMs, SOCKET_BACKOFF, SOCKET_WHILE_POLLING_BACKOFF, spreadMs } from "./backoff.js";
import type { Transport, ClientName, Command, ReplyTo } from "./command.js";
import { Emitter } from "./emitter.js";
import { ConfabError, isCode, LoggedOut, Unreachable } from "./error.js";
import type { Feed } from "./feed.js";
import { Pause } from "./pause.js";
import { Polls } from "./polls.js";
import type { Rest } from "./rest.js";
import { RestTransport } from "./rest_transport.js";
import { ABNORMAL, Socket } from "./socket.js";
import type { Environment } from "./environment.js";
import type { TokenSource } from "./tokens.js";
import type { CursorMap, Event, Hello } from "./wire.js";

export const FAILURES_BEFORE_POLLS = 2;
/** The default limit of a frame. The cursors share a frame with the rest of the hello. */
const FRAME_BYTES_MAX = 65_536;
const HELLO_OVERHEAD_BYTES = 4_096;
const OVERLOAD_MIN_MS = 5_000;
/** A socket that was open for this long resets the backoff. */
const STABLE_MS = 10_000;

const TOKEN_EXPIRED = 4001;
const UNAUTHENTICATED = 4500;
const LOGIN_REMOVED = 4501;
/** Rate limited, and overloaded: wait longer before reconnecting. */
const OVERLOAD_CODES = [4029, 1013];

/** The state of a session. `polling` means connected without a socket. */
export type SessionState = "connecting" | "online" | "polling" | "offline" | "ended";

/** Why a session has ended: the login has ended, the gateway refuses this client, or the app has stopped it. */
export type EndReason = "logged_out" | "refused" | "stopped";

export interface SessionEvents {
  state: SessionState;
  event: Event;
  /** A socket or polling has taken over the session. Ephemeral state must be read again. */
  attached: "online" | "polling";
  ended: EndReason;
  /** When the next socket is opened, in milliseconds since the epoch. `wake` opens it at once. */
  retryAt: number;
  invalidFrame: Error;
}

interface SocketEnd {
  opened: boolean;
  code: number;
  retry_after_ms?: number | undefined;
}

/** What the client needs of a session: one of its own, or one that it shares with other tabs. */
export interface ClientSession extends Transport, Pick<Emitter<SessionEvents>, "on"> {
  readonly state: SessionState;
  readonly isAttached: boolean;
  /** True if this tab has the connection, and so sends the commands of the outbox. */
  readonly isLeading: boolean;
  start(): void;
  stop(reason?: EndReason): void;
  wake(): void;
  networkLost(): void;
  limit(name: string, otherwise: number): number;
}

export class Session extends Emitter<SessionEvents> implements ClientSession {
  state: SessionState = "offline";
  readonly isLeading = true;
  #running = false;
  #hasCursors = false;
  #socket: Socket | undefined;
  /** Consecutive sockets that failed before their hello succeeded. */
  #failures = 0;
  /** Attempts since the last stable socket. They determine the backoff. */
  #attempts = 0;
  #pollHealth: "unknown" | "healthy" | "unhealthy" = "unknown";
  #retryAt = 0;
  #reconnectAfterMs: number | undefined;
  #refusedToken: string | undefined;
  limits: Record<string, unknown> = {};
  readonly #pause: Pause;
  readonly #ignoreTokens: () => void;
  readonly #polls: Polls;
  readonly #restTransport: RestTransport;

  constructor(
    private readonly environment: Environment,
    private readonly tokens: TokenSource,
    rest: Rest,
    private readonly feed: Feed,
    private readonly client: ClientName,
  ) {
    super();
    this.#pause = new Pause(environment);
    this.#restTransport = new RestTransport(rest);
    this.#polls = new Polls(environment, rest, feed, this.#pollListener(), () => this.#hasCursors);
    this.#ignoreTokens = tokens.on("renewed", (token) => this.#renewOnSocket(token));
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.tokens.schedule();
    void this.#run();
  }

  stop(reason: EndReason = "stopped"): void {
    if (!this.#running) return;
    this.#running = false;
    this.#ignoreTokens();
    this.tokens.stop();
    this.#polls.end();
    this.#socket?.close();
    this.#pause.wake();
    this.#setState("ended");
    this.emit("ended", reason);
  }

  /** Reconnects at once, or probes the open socket. Call it when the network is back or the page becomes visible. */
  wake(): void {
    this.tokens.schedule();
    if (this.#socket) return this.#socket.probe();
    this.#attempts = 0;
    this.#pause.wake();
    this.#polls.wake();
  }

  /** Starts the next attempt if it is due. Browsers delay the timers of hidden pages. */
  retryIfDue(): void {
    if (this.environment.now() >= this.#retryAt) this.#pause.wake();
  }

  /** Ends the socket and reconnects. Call it when the device has lost its network. */
  networkLost(): void {
    this.#socket?.close();
  }

  get isAttached(): boolean {
    return this.state === "online" || this.state === "polling";
  }

  /** Sends a command over the socket, or over REST while polling. Fails while neither works. */
  execute<C extends Command>(command: C): Promise<ReplyTo<C>> {
    if (this.state === "online" && this.#socket) return this.#socket.execute(command);
    if (this.state === "polling") return this.#restTransport.execute(command);
    return Promise.reject(new Unreachable("not connected"));
  }

  /** Returns a limit from the last hello, or `otherwise` if the gateway did not send it. */
  limit(name: string, otherwise: number): number {
    const value = this.limits[name];
    return typeof value === "number" ? value : otherwise;
  }

  async #run(): Promise<void> {
    while (this.#running) {
      if (this.state !== "polling") this.#setState(this.#failures < FAILURES_BEFORE_POLLS ? "connecting" : "offline");
      const end = await this.#attempt();
      if (!this.#running) return;
      if (isFinal(end.code)) return this.stop(reasonOf(end.code));
      this.#failures = end.opened ? 0 : this.#failures + 1;
      if (this.#failures >= FAILURES_BEFORE_POLLS) this.#polls.start();
      const delay_ms = this.#delayAfter(end);
      this.#retryAt = this.environment.now() + delay_ms;
      this.emit("retryAt", this.#retryAt);
      await this.#pause.wait(delay_ms);
      this.#attempts += 1;
    }
  }

  /** Runs one socket from getting a token to the close. */
  async #attempt(): Promise<SocketEnd> {
    try {
      const token = await this.#freshToken();
      const end = await this.#runSocket(token);
      return this.#shouldRenewToken(end, token) ? { ...end, code: TOKEN_EXPIRED } : end;
    } catch (error) {
      if (error instanceof LoggedOut) this.stop("logged_out");
      return { opened: false, code: ABNORMAL };
    }
  }

  async #runSocket(token: string): Promise<SocketEnd> {
    const closed = deferred<number>();
    const listener = {
      event: (event: Event) => this.#forward(event),
      closed: closed.resolve,
      invalidFrame: (error: Error) => this.emit("invalidFrame", error),
    };
    this.#reconnectAfterMs = undefined;
    let socket: Socket | undefined;
    try {
      socket = await Socket.open(this.environment, listener);
      this.#checkRunning();
      const hello = await socket.hello(token, this.#resume(), this.client);
      this.#checkRunning();
      this.#attachSocket(socket, hello);
    } catch (error) {
      socket?.close();
      return { opened: false, code: codeOf(error) ?? (await closed.promise), retry_after_ms: retryAfterOf(error) };
    }
    const openedAt = this.environment.now();
    const code = await closed.promise;
    if (this.environment.now() - openedAt >= STABLE_MS) this.#attempts = 0;
    this.#socket = undefined;
    if (this.#running) this.#setState("connecting");
    return { opened: true, code, retry_after_ms: this.#reconnectAfterMs };
  }

  /** Fails if the session was stopped while its socket was opened. */
  #checkRunning(): void {
    if (!this.#running) throw new Error("stopped");
  }

  async #freshToken(): Promise<string> {
    const token = await this.tokens.accessToken();
    return token === this.#refusedToken ? this.tokens.renew(token) : token;
  }

  /**
   * Returns true if a new token may help: always after an expiry, and once after a refusal, because the refresh
   * token may still be valid after the signing key of the access token has changed.
   */
  #shouldRenewToken(end: SocketEnd, token: string): boolean {
    const wasRefused = end.code === TOKEN_EXPIRED || end.code === UNAUTHENTICATED;
    const isFirst = this.#refusedToken === undefined || end.code === TOKEN_EXPIRED;
    if (wasRefused && isFirst) this.#refusedToken = token;
    return wasRefused && isFirst;
  }

  /** Returns the cursors for a hello, or undefined before the first connection or if they do not fit into a frame. */
  #resume(): CursorMap | undefined {
    if (!this.#hasCursors) return undefined;
    const map = this.feed.cursorMap();
    const bytes_max = this.limit("frame_bytes_max", FRAME_BYTES_MAX) - HELLO_OVERHEAD_BYTES;
    return JSON.stringify(map).length <= bytes_max ? map : undefined;
  }

  #attachSocket(socket: Socket, hello: Hello): void {
    this.#socket = socket;
    this.limits = hello.limits;
    this.#refusedToken = undefined;
    this.#polls.end();
    this.#pollHealth = "unknown";
    this.#setState("online");
    this.#applyHeads(hello.resume);
    this.emit("attached", "online");
  }

  /** Applies the heads of a first connection, or of a hello whose cursors did not fit into its frame. */
  #applyHeads(heads: CursorMap): void {
    const all = !this.#hasCursors || this.#resume() === undefined;
    this.#hasCursors = true;
    if (all) for (const [conversation, seq] of Object.entries(heads)) this.feed.catchUpTo(conversation, seq);
  }

  #forward(event: Event): void {
    if (event.ev === "draining") this.#reconnectAfterMs = event.reconnect_after_ms ?? 0;
    this.emit("event", event);
  }

  #delayAfter(end: SocketEnd): number {
    const random = this.environment.random();
    if (end.code === TOKEN_EXPIRED && this.#failures < FAILURES_BEFORE_POLLS) return 0;
    if (end.retry_after_ms !== undefined) return spreadMs(end.retry_after_ms, random);
    if (this.#pollHealth === "healthy") {
      return patientDelayMs(SOCKET_WHILE_POLLING_BACKOFF, this.#failures - FAILURES_BEFORE_POLLS, random);
    }
    const delay = delayMs(SOCKET_BACKOFF, this.#attempts, random);
    return OVERLOAD_CODES.includes(end.code) ? Math.max(delay, spreadMs(OVERLOAD_MIN_MS, random)) : delay;
  }

  #pollListener() {
    return {
      event: (event: Event) => this.#forward(event),
      firstHeads: (heads: CursorMap) => this.#applyHeads(heads),
      healthy: () => this.#pollSucceeded(),
      unhealthy: () => {
        this.#pollHealth = "unhealthy";
        if (!this.#socket) this.#setState("offline");
      },
      loggedOut: () => this.stop("logged_out"),
    };
  }

  /** If polls succeed after failures, the network is back. Then a socket is tried at once too. */
  #pollSucceeded(): void {
    const previous = this.#pollHealth;
    this.#pollHealth = "healthy";
    if (previous === "unhealthy") this.#pause.wake();
    if (this.#socket || this.state === "polling") return;
    this.#setState("polling");
    if (this.#running) this.emit("attached", "polling"); // a listener of the state may have stopped the session
  }

  #renewOnSocket(token: string): void {
    this.#socket?.execute({ cmd: "refresh", token }).catch(() => undefined); // if this fails, the gateway closes the socket
  }

  #setState(state: SessionState): void {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }
}

/** Returns the close code for a refused hello, or undefined if the close itself has the code. */
function codeOf(error: unknown): number | undefined {
  if (isCode(error, "token_expired")) return TOKEN_EXPIRED;
  if (isCode(error, "unauthenticated")) return UNAUTHENTICATED;
  return error instanceof Unreachable ? undefined : ABNORMAL;
}

function retryAfterOf(error: unknown): number | undefined {
  return error instanceof ConfabError ? error.retryAfterMs : undefined;
}

/** Returns true for close codes after which the client must not reconnect. */
function isFinal(code: number): boolean {
  return code >= 4500 && code <= 4999;
}

function reasonOf(code: number): EndReason {
  return code === UNAUTHENTICATED || code === LOGIN_REMOVED ? "logged_out" : "refused";
}

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
