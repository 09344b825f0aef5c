// One WebSocket from `hello` to its close. It sends commands, matches replies by id and passes events on.
//
// A browser answers the gateway's pings itself and does not report them. So a silent socket is probed with a
// `ping` command. A socket on which nothing arrives while a command waits for its reply is closed.

import { type Transport, type ClientName, type Command, commandFrame, helloFrame, readReply, type ReplyTo } from "./command.js";
import { ConfabError, problem, Unreachable } from "./error.js";
import { objectOf, type Shape } from "./shape.js";
import type { SocketLike, Environment } from "./environment.js";
import { type CursorMap, type Event, event, type Hello, hello } from "./wire.js";

export const SUBPROTOCOL = "confab.v1.json";
export const OPEN_TIMEOUT_MS = 8_000;
export const COMMAND_TIMEOUT_MS = 10_000;

/** The code of a close without a close frame: the connection broke, or this side timed out. */
export const ABNORMAL = 1006;

interface PendingReply {
  resolve(ok: unknown): void;
  reject(error: Error): void;
  cancelTimer(): void;
}

export interface SocketListener {
  event(event: Event): void;
  closed(code: number): void;
  /** A frame that violates the protocol was ignored. */
  invalidFrame(error: Error): void;
}

export class Socket implements Transport {
  readonly #socket: SocketLike;
  readonly #pending = new Map<number, PendingReply>();
  #nextId = 1;
  #closed = false;
  #closedEarly: ((code: number) => void) | undefined;
  #lastReceivedAt: number;
  #cancelHeartbeat: (() => void) | undefined;

  private constructor(
    private readonly environment: Environment,
    private readonly listener: SocketListener,
  ) {
    this.#lastReceivedAt = environment.now();
    this.#socket = environment.openSocket(socketUrl(environment.base_url), SUBPROTOCOL);
    this.#socket.onmessage = (message) => this.#receive(message.data);
    this.#socket.onclose = (close) => this.#finish(close.code);
  }

  /** Resolves when the socket is open. The first command must be `hello`. */
  static open(environment: Environment, listener: SocketListener): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const opening = new Socket(environment, listener);
      const cancel = environment.after(OPEN_TIMEOUT_MS, () => opening.close());
      opening.#closedEarly = (code) => {
        cancel();
        reject(new Unreachable(`the socket closed with ${code}`));
      };
      opening.#socket.onopen = () => {
        cancel();
        resolve(opening);
      };
    });
  }

  async hello(token: string, resume: CursorMap | undefined, client: ClientName): Promise<Hello> {
    const answer = await this.#request((id) => helloFrame(id, token, resume, client), hello);
    this.#keepAlive(answer.heartbeat_ms);
    return answer;
  }

  execute<C extends Command>(command: C): Promise<ReplyTo<C>> {
    return this.#request((id) => commandFrame(id, command), (ok) => readReply(command, ok));
  }

  /** Ends the socket at once, without waiting for the other side to answer the close. */
  close(): void {
    this.#socket.close(1000);
    this.#finish(ABNORMAL);
  }

  #request<T>(frame: (id: number) => string, shape: Shape<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Unreachable("the socket is closed"));
    const id = this.#nextId++;
    const sentAt = this.environment.now();
    const answer = new Promise<unknown>((resolve, reject) => {
      const cancelTimer = this.environment.after(COMMAND_TIMEOUT_MS, () => this.#timeOut(id, sentAt));
      this.#pending.set(id, { resolve, reject, cancelTimer });
    });
    this.#socket.send(frame(id));
    return answer.then((ok) => shape(ok, "ok"));
  }

  /** Fails a command without a reply. If nothing else has arrived since it was sent, the connection is dead. */
  #timeOut(id: number, sentAt: number): void {
    this.#takePending(id)?.reject(new Unreachable("no reply in time"));
    if (this.#lastReceivedAt <= sentAt) this.close();
  }

  #takePending(id: number): PendingReply | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.cancelTimer();
    return pending;
  }

  #receive(frame: unknown): void {
    if (this.#closed) return;
    this.#lastReceivedAt = this.environment.now();
    try {
      const received = objectOf(JSON.parse(String(frame)), "frame");
      if ("ev" in received) this.listener.event(event(received, "event"));
      else this.#settleReply(received);
    } catch (error) {
      this.listener.invalidFrame(error as Error);
    }
  }

  #settleReply(reply: Record<string, unknown>): void {
    if (typeof reply["re"] !== "number") throw new ConfabError(problem(reply["error"], "error"));
    const pending = this.#takePending(reply["re"]);
    if (!pending) return;
    if (reply["error"] === undefined) pending.resolve(reply["ok"]);
    else pending.reject(new ConfabError(problem(reply["error"], "error")));
  }

  #keepAlive(heartbeat_ms: number): void {
    this.#cancelHeartbeat = this.environment.after(heartbeat_ms, () => {
      if (this.environment.now() - this.#lastReceivedAt >= heartbeat_ms / 2) this.probe();
      this.#keepAlive(heartbeat_ms);
    });
  }

  /** Sends a ping, and closes the socket if there is no reply in time. */
  probe(): void {
    this.execute({ cmd: "ping" }).catch((error: unknown) => {
      if (error instanceof Unreachable) this.close();
    });
  }

  #finish(code: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelHeartbeat?.();
    for (const id of [...this.#pending.keys()]) this.#takePending(id)?.reject(new Unreachable("the socket closed"));
    this.#closedEarly?.(code);
    this.listener.closed(code);
  }
}

function socketUrl(base_url: string): string {
  return `${base_url.replace(/^http/, "ws")}/v1/ws`;
}
