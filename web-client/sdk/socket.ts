// One WebSocket from `hello` to its close: commands out, replies matched by id, events handed on.
//
// A browser answers the gateway's pings by itself and shows none of it, so a silent socket is asked
// with a `ping` command: one that does not answer in time is closed here.

import { type Carrier, type ClientName, type Command, commandFrame, helloFrame, readReply, type ReplyTo } from "./command";
import { ConfabError, problem, Unreachable } from "./error";
import { anything, objectOf, type Shape } from "./shape";
import type { SocketLike, Surroundings } from "./surroundings";
import { type CursorMap, type Event, event, type Hello, hello } from "./wire";

export const SUBPROTOCOL = "confab.v1.json";
export const OPEN_TIMEOUT_MS = 8_000;
export const COMMAND_TIMEOUT_MS = 10_000;

/** The code of a close that nobody sent: the connection broke, or this side gave up. */
export const ABNORMAL = 1006;

interface Waiting {
  resolve(ok: unknown): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

export interface SocketListener {
  event(event: Event): void;
  closed(code: number): void;
  /** A frame that is none of the protocol's; it is left out. */
  misread(error: Error): void;
}

export class Socket implements Carrier {
  private readonly socket: SocketLike;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private closed = false;
  private heardAt: number;
  private heart: ReturnType<typeof setInterval> | undefined;

  private constructor(
    private readonly surroundings: Surroundings,
    private readonly listener: SocketListener,
  ) {
    this.heardAt = surroundings.now();
    this.socket = surroundings.openSocket(socketUrl(surroundings.base_url), SUBPROTOCOL);
    this.socket.onmessage = (message) => this.hear(message.data);
    this.socket.onclose = (close) => this.end(close.code);
  }

  /** Resolves when the socket is open; the next thing to say is `hello`. */
  static open(surroundings: Surroundings, listener: SocketListener): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => made.close(), OPEN_TIMEOUT_MS);
      const made: Socket = new Socket(surroundings, {
        ...bound(listener),
        closed: (code) => {
          clearTimeout(timer);
          reject(new Unreachable(`the socket closed with ${code}`));
          listener.closed(code);
        },
      });
      made.socket.onopen = () => {
        clearTimeout(timer);
        resolve(made);
      };
    });
  }

  async hello(token: string, resume: CursorMap | undefined, client: ClientName): Promise<Hello> {
    const answer = await this.ask((id) => helloFrame(id, token, resume, client), hello);
    this.heart = setInterval(() => this.beat(answer.heartbeat_ms), answer.heartbeat_ms);
    return answer;
  }

  execute<C extends Command>(command: C): Promise<ReplyTo<C>> {
    return this.ask((id) => commandFrame(id, command), (ok) => readReply(command, ok));
  }

  /** Ends the socket at once; a close that the other side never answers is not waited for. */
  close(): void {
    this.socket.close(1000);
    this.end(ABNORMAL);
  }

  private ask<T>(frame: (id: number) => string, shape: Shape<T>): Promise<T> {
    if (this.closed) return Promise.reject(new Unreachable("the socket is closed"));
    const id = this.nextId++;
    const answer = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => this.giveUp(id), COMMAND_TIMEOUT_MS);
      this.waiting.set(id, { resolve, reject, timer });
    });
    this.socket.send(frame(id));
    return answer.then((ok) => shape(ok, "ok"));
  }

  private giveUp(id: number): void {
    this.take(id)?.reject(new Unreachable("no reply in time"));
  }

  private take(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  private hear(frame: unknown): void {
    if (this.closed) return;
    this.heardAt = this.surroundings.now();
    try {
      const heard = objectOf(JSON.parse(String(frame)), "frame");
      if ("ev" in heard) this.listener.event(event(heard, "event"));
      else this.answered(heard);
    } catch (error) {
      this.listener.misread(error as Error);
    }
  }

  private answered(reply: Record<string, unknown>): void {
    if (typeof reply["re"] !== "number") throw new ConfabError(problem(reply["error"], "error"));
    const waiting = this.take(reply["re"]);
    if (!waiting) return;
    if (reply["error"] === undefined) waiting.resolve(anything(reply["ok"], "ok"));
    else waiting.reject(new ConfabError(problem(reply["error"], "error")));
  }

  private beat(heartbeat_ms: number): void {
    if (this.surroundings.now() - this.heardAt >= heartbeat_ms / 2) this.probe();
  }

  /** Asks whether the other side is still there, and closes the socket if it is not. */
  probe(): void {
    this.execute({ cmd: "ping" }).catch((error: unknown) => {
      if (error instanceof Unreachable) this.close();
    });
  }

  private end(code: number): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.heart);
    for (const id of [...this.waiting.keys()]) this.take(id)?.reject(new Unreachable("the socket closed"));
    this.listener.closed(code);
  }
}

function bound(listener: SocketListener): SocketListener {
  return {
    event: (it) => listener.event(it),
    closed: (code) => listener.closed(code),
    misread: (error) => listener.misread(error),
  };
}

function socketUrl(base_url: string): string {
  return `${base_url.replace(/^http/, "ws")}/v1/ws`;
}
