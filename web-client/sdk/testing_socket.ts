// A WebSocket of the fake server, as the client sees it.

import type { SocketLike } from "./environment.js";
import type { FakeServer } from "./testing.js";
import type { FakeUser } from "./testing_log.js";

const ABNORMAL = 1006;

interface Frame extends Record<string, unknown> {
  id: number;
  cmd: string;
}

export class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number; reason: string }) => void) | null = null;
  onGone: () => void = () => undefined;
  user: FakeUser | undefined;
  private isOpen = true;
  private readonly late: object[] = [];

  constructor(private readonly server: FakeServer) {
    queueMicrotask(() => (server.isOffline || server.fault("open") ? this.drop() : this.onopen?.()));
  }

  send(text: string): void {
    const frame = JSON.parse(text) as Frame;
    const fault = this.server.isOffline ? "lost" : this.server.fault(frame.cmd);
    if (fault === "lost") return this.drop();
    const reply = this.reply(frame);
    if (fault === "answer lost") return this.drop();
    this.receive({ re: frame.id, ...reply });
    if (frame.cmd === "hello" && this.user && frame["resume"]) {
      for (const event of this.server.log.missed(this.user, frame["resume"] as Record<string, number>)) this.push(event);
    }
  }

  close(): void {
    this.isOpen = false;
    this.onGone();
  }

  push(event: object): void {
    const fault = this.server.fault("event");
    if (fault === "late") return void this.late.push(event);
    if (fault !== "lost") this.receive(event);
    if (fault === "repeated") this.receive(event);
    for (const earlier of this.late.splice(0)) this.receive(earlier);
  }

  /** Breaks the socket without a close frame. */
  drop(): void {
    if (!this.isOpen) return;
    this.close();
    queueMicrotask(() => this.onclose?.({ code: ABNORMAL, reason: "" }));
  }

  private receive(frame: object): void {
    const data = JSON.stringify(frame);
    queueMicrotask(() => this.isOpen && this.onmessage?.({ data }));
  }

  private reply(frame: Frame): object {
    const { log } = this.server;
    try {
      if (frame.cmd === "hello") return { ok: this.hello(frame) };
      if (!this.user) throw new Error("unauthenticated");
      if (frame.cmd === "history") return { ok: log.history(String(frame["conversation"]), this.user, frame) };
      if (frame.cmd === "watch") return { ok: { presence: [] } };
      if (["ping", "receipt", "typing", "unwatch", "away"].includes(frame.cmd)) return { ok: {} };
      if (frame.cmd === "refresh") return { ok: { expires_in: 600 } };
      return { ok: log.execute(this.user, frame) };
    } catch (error) {
      const code = error instanceof Error ? error.message : "internal";
      return { error: { code, message: code, retryable: false } };
    }
  }

  private hello({ token }: Frame): object {
    this.user = this.server.log.byToken(String(token));
    if (!this.user) throw new Error("unauthenticated");
    return { user: this.user.id, session: "1", heartbeat_ms: 25_000, limits: {}, server_time: "", resume: this.server.log.heads(this.user) };
  }
}
