// A fake gateway: tests open, answer and close its sockets, and script its REST calls.

import { vi } from "vitest";
import { browserEnvironment, type Environment, type LoginStore, type SocketLike, type StoredLogin } from "../../sdk/index";
import type { Transport, Command, ReplyTo } from "../../sdk/command";
import type { Entry, TextEntry } from "../../sdk/entry";

export const C = "291139937883918336";
export const ME = "286772161220186112";
export const OTHER = "286777570668584960";

export function textEntry(seq: number, fields: Partial<TextEntry> = {}): TextEntry {
  const sent_at = "2026-03-14T09:26:53.589Z";
  return { conversation: C, seq, id: `${1000 + seq}`, sender: OTHER, sent_at, kind: "text", text: `text ${seq}`, ...fields };
}

export function messageEvent(entry: Entry): object {
  return { ev: "message", ...entry };
}

/** Runs all pending promises and due timers. */
export const settle = () => vi.advanceTimersByTimeAsync(0);

export interface Frame {
  id: number;
  cmd: string;
  [field: string]: unknown;
}

export class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number; reason: string }) => void) | null = null;
  readonly frames: Frame[] = [];
  closedWith: number | undefined;
  answersPings = true;

  send(frame: string): void {
    const command = JSON.parse(frame) as Frame;
    this.frames.push(command);
    if (command.cmd === "ping" && this.answersPings) setTimeout(() => this.receive({ re: command.id, ok: {} }), 1);
  }

  close(code = 1005): void {
    this.closedWith = code;
  }

  receive(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  sent(cmd: string): Frame[] {
    return this.frames.filter((frame) => frame.cmd === cmd);
  }

  last(cmd: string): Frame {
    const frame = this.sent(cmd).at(-1);
    if (!frame) throw new Error(`no ${cmd} was sent`);
    return frame;
  }

  async accept(resume: Record<string, number> = {}): Promise<void> {
    this.onopen?.();
    await settle();
    const ok = { user: ME, session: "1", heartbeat_ms: 25_000, limits: {}, server_time: "", resume };
    this.receive({ re: this.last("hello").id, ok });
    await settle();
  }

  async refuse(code = 1006): Promise<void> {
    this.onclose?.({ code, reason: "" });
    await settle();
  }
}

export interface Called {
  method: string;
  path: string;
  body: Record<string, unknown>;
  headers: Record<string, string>;
}

type Answer = object | number | Promise<object>;

/** Answers by method and path. A call without an answer fails. A number is a status without a body. */
export class FakeGateway {
  readonly sockets: FakeSocket[] = [];
  readonly calls: Called[] = [];
  random = 1;
  private readonly answers = new Map<string, (called: Called) => Answer>();
  private ids = 0;

  answer(call: string, answer: (called: Called) => Answer): void {
    this.answers.set(call, answer);
  }

  called(path: string): Called[] {
    return this.calls.filter((called) => called.path.startsWith(path));
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  environment(): Environment {
    return {
      ...browserEnvironment("http://gateway"),
      fetch: (url, init) => this.fetch(url, init),
      openSocket: () => {
        const socket = new FakeSocket();
        this.sockets.push(socket);
        return socket;
      },
      random: () => this.random,
      newId: () => `id-${++this.ids}`,
    };
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    const path = url.replace("http://gateway", "");
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : {};
    const called = { method: init.method ?? "GET", path, body, headers: init.headers as Record<string, string> };
    this.calls.push(called);
    const answer = this.answers.get(`${called.method} ${path.split("?")[0]}`);
    if (!answer) throw new TypeError("failed to fetch");
    return Promise.race([reply(answer(called)), aborted(init.signal)]);
  }
}

async function reply(answer: Answer): Promise<Response> {
  if (typeof answer === "number") return new Response(null, { status: answer });
  const body = await answer;
  const status = "status" in body && typeof body.status === "number" ? body.status : 200;
  return new Response(JSON.stringify(body), { status });
}

function aborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
  });
}

export function problem(status: number, code: string, fields: object = {}): object {
  return { status, code, message: code, retryable: status >= 429 && status !== 500, ...fields };
}

export class FakeLogins implements LoginStore {
  private tail: Promise<unknown> = Promise.resolve();
  constructor(public login: StoredLogin | undefined) {}

  load(): StoredLogin | undefined {
    return this.login;
  }

  save(login: StoredLogin | undefined): void {
    this.login = login;
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.tail.then(work, work);
    this.tail = turn.catch(() => undefined);
    return turn;
  }
}

export function storedLogin(fields: Partial<StoredLogin> = {}): StoredLogin {
  const now = Date.now();
  return {
    id: "1",
    access_token: "access-1",
    refresh_token: "refresh-1",
    refresh_at: now + 480_000,
    expires_at: now + 600_000,
    ...fields,
  };
}

export function renewal(n: number): object {
  return { session: { id: "1", access_token: `access-${n}`, expires_in: 600, refresh_token: `refresh-${n}` } };
}

/** A transport whose replies the test provides. */
export class FakeTransport implements Transport {
  isAttached = true;
  isLeading = true;
  readonly commands: Command[] = [];
  private readonly waiting: { resolve(ok: unknown): void; reject(error: unknown): void }[] = [];

  execute<Q extends Command>(command: Q): Promise<ReplyTo<Q>> {
    this.commands.push(structuredClone(command));
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve: resolve as (ok: unknown) => void, reject });
    });
  }

  async ok(reply: unknown = {}): Promise<void> {
    this.waiting.shift()?.resolve(reply);
    await settle();
  }

  async fail(error: unknown): Promise<void> {
    this.waiting.shift()?.reject(error);
    await settle();
  }
}
