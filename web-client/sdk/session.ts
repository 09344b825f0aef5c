// One client's dialogue with the gateway, whatever carries it: a socket as long as one can be had,
// long polls after two sockets failed, and a socket again later. Cursors make the change unseen.

import { delayMs, patientDelayMs, SOCKET_BACKOFF, SOCKET_WHILE_POLLING_BACKOFF, spreadMs } from "./backoff";
import type { Carrier, ClientName, Command, ReplyTo } from "./command";
import { Emitter } from "./emitter";
import { ConfabError, isCode, LoggedOut, Unreachable } from "./error";
import type { Feed } from "./feed";
import { Pause } from "./pause";
import { Polls } from "./polls";
import type { Rest } from "./rest";
import { RestCarrier } from "./rest_carrier";
import { ABNORMAL, Socket } from "./socket";
import type { Surroundings } from "./surroundings";
import type { Tokens } from "./tokens";
import type { CursorMap, Event, Hello } from "./wire";

export const FAILURES_BEFORE_POLLS = 2;
/** The gateway's bound of a frame, unless it says another; the map shares it with the rest of a hello. */
const FRAME_BYTES_MAX = 65_536;
const HELLO_REST_BYTES = 4_096;
const OVERLOAD_MIN_MS = 5_000;
/** A socket that lived so long makes the back-off begin anew. */
const LIVED_MS = 60_000;

const TOKEN_EXPIRED = 4001;
const UNAUTHENTICATED = 4500;
const LOGIN_REMOVED = 4501;
/** Rate limited, and overload: the gateway wants to be left alone for a while. */
const OVERLOADED = [4029, 1013];

export type SessionState = "connecting" | "online" | "polling" | "offline" | "ended";
export type EndReason = "logged_out" | "refused" | "stopped";

export interface SessionEvents {
  state: SessionState;
  event: Event;
  /** A socket or the polls carry the session now; what is of the moment has to be read again. */
  attached: "online" | "polling";
  ended: EndReason;
  misread: Error;
}

interface SocketEnd {
  opened: boolean;
  code: number;
  after_ms?: number;
}

export class Session extends Emitter<SessionEvents> implements Carrier {
  state: SessionState = "offline";
  private running = false;
  private hasBegun = false;
  private socket: Socket | undefined;
  /** Sockets in a row that did not get through their hello. */
  private failures = 0;
  /** Attempts since a socket last lived for a while; what the back-off counts. */
  private attempts = 0;
  private pollHealth: "unknown" | "healthy" | "unhealthy" = "unknown";
  private reconnectAfterMs: number | undefined;
  private refusedToken: string | undefined;
  private limits: Record<string, unknown> = {};
  private readonly pause = new Pause();
  private readonly polls: Polls;
  private readonly restCarrier: RestCarrier;

  constructor(
    private readonly surroundings: Surroundings,
    private readonly tokens: Tokens,
    rest: Rest,
    private readonly feed: Feed,
    private readonly client: ClientName,
  ) {
    super();
    this.restCarrier = new RestCarrier(rest);
    this.polls = new Polls(surroundings, rest, feed, this.pollListener(), () => this.hasBegun);
    tokens.on("renewed", (token) => this.renewOnSocket(token));
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    void this.run();
  }

  stop(reason: EndReason = "stopped"): void {
    if (!this.running) return;
    this.running = false;
    this.polls.end();
    this.socket?.close();
    this.pause.wake();
    this.show("ended");
    this.emit("ended", reason);
  }

  /** Something changed for the better (the network is back, the page is seen again): try at once. */
  wake(): void {
    if (this.socket) return this.socket.probe();
    this.attempts = 0;
    this.pause.wake();
    this.polls.wake();
  }

  get isAttached(): boolean {
    return this.state === "online" || this.state === "polling";
  }

  /** Over the socket, or over REST while polls carry the session. */
  execute<C extends Command>(command: C): Promise<ReplyTo<C>> {
    if (this.state === "online" && this.socket) return this.socket.execute(command);
    if (this.state === "polling") return this.restCarrier.execute(command);
    return Promise.reject(new Unreachable("not connected"));
  }

  /** A limit of this gateway, as its last hello had it. */
  limit(name: string, otherwise: number): number {
    const said = this.limits[name];
    return typeof said === "number" ? said : otherwise;
  }

  private async run(): Promise<void> {
    while (this.running) {
      if (this.state !== "polling") this.show(this.failures < FAILURES_BEFORE_POLLS ? "connecting" : "offline");
      const end = await this.attempt();
      if (!this.running) return;
      if (isFinal(end.code)) return this.stop(reasonOf(end.code));
      this.failures = end.opened ? 0 : this.failures + 1;
      if (this.failures >= FAILURES_BEFORE_POLLS) this.polls.start();
      await this.pause.wait(this.delayAfter(end));
      this.attempts += 1;
    }
  }

  /** One socket, from the token to the close. */
  private async attempt(): Promise<SocketEnd> {
    try {
      const token = await this.freshToken();
      const end = await this.liveOnSocket(token);
      return this.refused(end, token) ? { ...end, code: TOKEN_EXPIRED } : end;
    } catch (error) {
      if (error instanceof LoggedOut) this.stop("logged_out");
      return { opened: false, code: ABNORMAL };
    }
  }

  private async liveOnSocket(token: string): Promise<SocketEnd> {
    const closed = deferred<number>();
    const listener = {
      event: (event: Event) => this.take(event),
      closed: closed.resolve,
      misread: (error: Error) => this.emit("misread", error),
    };
    this.reconnectAfterMs = undefined;
    let socket: Socket | undefined;
    try {
      socket = await Socket.open(this.surroundings, listener);
      this.greeted(socket, await socket.hello(token, this.resume(), this.client));
    } catch (error) {
      socket?.close();
      return { opened: false, code: codeOf(error) ?? (await closed.promise), ...after(retryAfterOf(error)) };
    }
    const began = this.surroundings.now();
    const code = await closed.promise;
    if (this.surroundings.now() - began >= LIVED_MS) this.attempts = 0;
    this.socket = undefined;
    if (this.running) this.show("connecting");
    return { opened: true, code, ...after(this.reconnectAfterMs) };
  }

  private async freshToken(): Promise<string> {
    const token = await this.tokens.accessToken();
    return token === this.refusedToken ? this.tokens.renew(token) : token;
  }

  /**
   * Whether another token may help: always after an expiry, and once where the token was refused, for
   * the refresh token can outlive what the access token was signed with.
   */
  private refused(end: SocketEnd, token: string): boolean {
    const mayHelp = end.code === TOKEN_EXPIRED || end.code === UNAUTHENTICATED;
    const isFirst = this.refusedToken === undefined || end.code === TOKEN_EXPIRED;
    if (mayHelp && isFirst) this.refusedToken = token;
    return mayHelp && isFirst;
  }

  /** The map of a client that has begun, also when it is empty; none when it would not fit. */
  private resume(): CursorMap | undefined {
    if (!this.hasBegun) return undefined;
    const map = this.feed.cursorMap();
    const bytes_max = this.limit("frame_bytes_max", FRAME_BYTES_MAX) - HELLO_REST_BYTES;
    return JSON.stringify(map).length <= bytes_max ? map : undefined;
  }

  private greeted(socket: Socket, hello: Hello): void {
    this.socket = socket;
    this.limits = hello.limits;
    this.refusedToken = undefined;
    this.polls.end();
    this.pollHealth = "unknown";
    this.show("online");
    this.begin(hello.resume);
    this.emit("attached", "online");
  }

  /** Heads matter only where no cursor stands, and where the map did not fit into the hello. */
  private begin(heads: CursorMap): void {
    const all = !this.hasBegun || this.resume() === undefined;
    this.hasBegun = true;
    if (all) for (const [conversation, seq] of Object.entries(heads)) this.feed.head(conversation, seq);
  }

  private take(event: Event): void {
    if (event.ev === "draining") this.reconnectAfterMs = event.reconnect_after_ms ?? 0;
    this.emit("event", event);
  }

  private delayAfter(end: SocketEnd): number {
    const chance = this.surroundings.chance();
    if (end.code === TOKEN_EXPIRED && this.failures < FAILURES_BEFORE_POLLS) return 0;
    if (end.after_ms !== undefined) return spreadMs(end.after_ms, chance);
    if (this.pollHealth === "healthy") {
      return patientDelayMs(SOCKET_WHILE_POLLING_BACKOFF, this.failures - FAILURES_BEFORE_POLLS, chance);
    }
    const usual = delayMs(SOCKET_BACKOFF, this.attempts, chance);
    return OVERLOADED.includes(end.code) ? Math.max(usual, spreadMs(OVERLOAD_MIN_MS, chance)) : usual;
  }

  private pollListener() {
    return {
      event: (event: Event) => this.take(event),
      began: (heads: CursorMap) => this.begin(heads),
      healthy: () => this.pollSucceeded(),
      unhealthy: () => {
        this.pollHealth = "unhealthy";
        if (!this.socket) this.show("offline");
      },
      loggedOut: () => this.stop("logged_out"),
    };
  }

  /** Polls that begin to work after failing mean that the network is back: a socket may work too. */
  private pollSucceeded(): void {
    const before = this.pollHealth;
    this.pollHealth = "healthy";
    if (before === "unhealthy") this.pause.wake();
    if (this.socket || this.state === "polling") return;
    this.show("polling");
    this.emit("attached", "polling");
  }

  private renewOnSocket(token: string): void {
    this.socket?.execute({ cmd: "refresh", token }).catch(() => undefined); // a close says it all
  }

  private show(state: SessionState): void {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }
}

/** A refused hello counts as the close that follows it; without a refusal the close itself tells. */
function codeOf(error: unknown): number | undefined {
  if (isCode(error, "token_expired")) return TOKEN_EXPIRED;
  if (isCode(error, "unauthenticated")) return UNAUTHENTICATED;
  return error instanceof Unreachable ? undefined : ABNORMAL;
}

function retryAfterOf(error: unknown): number | undefined {
  return error instanceof ConfabError ? error.retryAfterMs : undefined;
}

function after(after_ms: number | undefined): { after_ms?: number } {
  return after_ms === undefined ? {} : { after_ms };
}

/** Closes from 4500 on do not come back; all others do. */
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
