// A session that the tabs of a login share. One tab, the leader, has the connection. The others send their commands to it
// through a channel, and get what it receives.
//
// Every tab has the cursors and the unsent commands, so that any of them can take over. The leader sends entries in the
// order of its feed. Each tab's own feed drops repeats and reads what it has missed while it was frozen.

import type { Command, ReplyTo } from "./command.js";
import { Election } from "./election.js";
import { Emitter } from "./emitter.js";
import type { ChannelLike, Environment, LocksLike } from "./environment.js";
import { ConfabError, type Problem, Unreachable } from "./error.js";
import type { Feed } from "./feed.js";
import type { Outbox, SharedItem } from "./outbox.js";
import type { ClientSession, EndReason, Session, SessionEvents, SessionState } from "./session.js";
import { TabCommands } from "./tab_commands.js";
import type { CursorMap, Event } from "./wire.js";

/** A leader that does not answer for their sum has crashed or is frozen. */
export const PING_MS = 400;
export const PONG_MS = 300;
/** Longer than the timeout of a command on the leader's socket. */
const ANSWER_MS = 12_000;

/** Everything that a tab needs to show the same as the leader, and to take over from it. */
interface Picture {
  state: SessionState;
  limits: Record<string, unknown>;
  cursors: CursorMap;
  unsent: SharedItem[];
}

type Said =
  | { say: "join" | "ping" | "pong" | "wake" | "bye" }
  | { say: "lead"; picture: Picture }
  | { say: "state"; value: SessionState }
  | { say: "retryAt"; value: number }
  | { say: "ended"; value: EndReason }
  | { say: "event"; event: Event }
  | { say: "item"; item: SharedItem }
  | { say: "command"; id: number; command: Command }
  | { say: "answer"; id: number; ok?: unknown; problem?: Problem | undefined; unreachable?: string };

type Message = Said & { from: string; to?: string | undefined };

interface Waiting {
  resolve(ok: unknown): void;
  reject(error: Error): void;
  cancelTimer(): void;
}

export interface TabSessionParts {
  environment: Environment;
  locks: LocksLike;
  channel: ChannelLike;
  /** The name of the login, the same in all of its tabs. */
  name: string;
  feed: Feed;
  /** Makes a session of this tab's own, when it becomes the leader. */
  open(): Session;
}

export class TabSession extends Emitter<SessionEvents> implements ClientSession {
  state: SessionState = "offline";
  readonly #id: string;
  readonly #election: Election;
  #outbox: Outbox | undefined;
  #own: Session | undefined;
  #commands: TabCommands | undefined;
  #limits: Record<string, unknown> = {};
  #leader: string | undefined;
  #heardAt = 0;
  #cancelCheck: (() => void) | undefined;
  #nextId = 1;
  readonly #waiting = new Map<number, Waiting>();

  constructor(private readonly parts: TabSessionParts) {
    super();
    this.#id = parts.environment.newId();
    this.#election = new Election(parts.locks, parts.name, { lead: () => this.#lead(), stepDown: () => this.#stepDown() });
  }

  get isAttached(): boolean {
    return this.state === "online" || this.state === "polling";
  }

  get isLeading(): boolean {
    return this.#own !== undefined;
  }

  /** Shares the unsent commands with the other tabs. */
  share(outbox: Outbox): void {
    this.#outbox = outbox;
    outbox.on("made", (item) => this.#say({ say: "item", item }));
  }

  start(): void {
    if (this.state !== "offline") return;
    this.parts.channel.onmessage = ({ data }) => this.#receive(data as Message);
    this.#setState("connecting");
    this.#say({ say: "join" });
    this.#election.join();
    this.#checkLeader();
  }

  stop(reason: EndReason = "stopped"): void {
    if (this.state === "ended") return;
    this.#say(reason === "stopped" ? { say: "bye" } : { say: "ended", value: reason });
    this.#end(reason);
  }

  wake(): void {
    if (this.#own) this.#own.wake();
    else this.#say({ say: "wake" });
  }

  networkLost(): void {
    this.#own?.networkLost();
  }

  limit(name: string, otherwise: number): number {
    const value = (this.#own?.limits ?? this.#limits)[name];
    return typeof value === "number" ? value : otherwise;
  }

  execute<C extends Command>(command: C): Promise<ReplyTo<C>> {
    if (this.#commands) return this.#commands.execute(this.#id, command);
    if (!this.isAttached || !this.#leader) return Promise.reject(new Unreachable("not connected"));
    const id = this.#nextId++;
    this.#say({ say: "command", id, command }, this.#leader);
    return new Promise<unknown>((resolve, reject) => {
      const cancelTimer = this.parts.environment.after(ANSWER_MS, () => this.#settle(id, (it) => it.reject(new Unreachable("no answer in time"))));
      this.#waiting.set(id, { resolve, reject, cancelTimer });
    }) as Promise<ReplyTo<C>>;
  }

  /** Called with what the feed delivers. The leader sends it to the other tabs. */
  delivered(event: Event): void {
    if (this.#own) this.#say({ say: "event", event });
  }

  #lead(): void {
    const own = this.parts.open();
    const relay = <K extends keyof SessionEvents>(name: K, work: (value: SessionEvents[K]) => void) =>
      own.on(name, (value) => own === this.#own && work(value));
    this.#own = own;
    this.#commands = new TabCommands(this.parts.environment, own);
    this.#failWaiting();
    relay("state", (state) => {
      if (state === "ended") return; // the reason follows
      this.#say({ say: "state", value: state });
      this.#setState(state);
    });
    relay("retryAt", (at) => {
      this.#say({ say: "retryAt", value: at });
      this.emit("retryAt", at);
    });
    relay("attached", (state) => {
      this.emit("attached", state);
      this.#present();
    });
    relay("event", (event) => {
      this.emit("event", event);
      if (event.ev !== "message" && event.ev !== "gap") this.#say({ say: "event", event }); // the feed delivers those
    });
    relay("invalidFrame", (error) => this.emit("invalidFrame", error));
    relay("ended", (reason) => this.stop(reason));
    own.start();
    this.#present();
  }

  #stepDown(): void {
    this.#dropOwn();
    this.#setState("connecting");
    this.#say({ say: "join" });
    this.#election.join();
  }

  #dropOwn(): void {
    const own = this.#own;
    this.#own = this.#commands = this.#leader = undefined;
    own?.stop();
  }

  #end(reason: EndReason): void {
    this.#cancelCheck?.();
    this.#dropOwn();
    this.#failWaiting();
    this.#setState("ended");
    this.parts.channel.close();
    this.#election.leave();
    this.emit("ended", reason);
  }

  #present(to?: string): void {
    if (!this.#own) return;
    const { state, limits } = this.#own;
    const { feed } = this.parts;
    this.#say({ say: "lead", picture: { state, limits, cursors: feed.cursorMap(), unsent: this.#outbox?.shared() ?? [] } }, to);
  }

  #say(said: Said, to?: string): void {
    if (this.state !== "ended") this.parts.channel.postMessage({ ...said, from: this.#id, to });
  }

  #receive(message: Message): void {
    const { from, to } = message;
    if ((to !== undefined && to !== this.#id) || this.state === "ended") return;
    if (from === this.#leader) this.#heardAt = this.parts.environment.now();
    if (message.say === "item") this.#outbox?.apply(message.item);
    else if (message.say === "ended") this.#end(message.value);
    else if (this.#own) this.#receiveRequest(this.#own, message);
    else this.#receiveNews(message);
  }

  /** Receives what a tab wants from this one, which leads. */
  #receiveRequest(own: Session, message: Message): void {
    const { from } = message;
    if (message.say === "bye") return this.#commands?.forget(from);
    this.#commands?.hear(from);
    if (message.say === "join") this.#present(from);
    if (message.say === "wake") own.wake();
    if (message.say === "command") void this.#answer(from, message.id, message.command);
    if (message.say !== "ping") return;
    own.retryIfDue();
    this.#say({ say: "pong" });
  }

  /** Receives what the leader knows. */
  #receiveNews(message: Message): void {
    if (message.say === "lead") return this.#follow(message.from, message.picture);
    if (message.from !== this.#leader) return;
    if (message.say === "state") this.#setState(message.value);
    if (message.say === "retryAt") this.emit("retryAt", message.value);
    if (message.say === "event") this.emit("event", message.event);
    if (message.say === "answer") this.#settleWith(message);
  }

  #follow(leader: string, { state, limits, cursors, unsent }: Picture): void {
    if (leader !== this.#leader) this.#failWaiting();
    this.#leader = leader;
    this.#heardAt = this.parts.environment.now();
    this.#limits = limits;
    this.#setState(state);
    for (const [conversation, seq] of Object.entries(cursors)) this.parts.feed.catchUpTo(conversation, seq);
    for (const item of this.#outbox?.merge(unsent) ?? []) this.#say({ say: "item", item });
    if (state === "online" || state === "polling") this.emit("attached", state);
  }

  async #answer(to: string, id: number, command: Command): Promise<void> {
    try {
      this.#say({ say: "answer", id, ok: await this.#commands?.execute(to, command) }, to);
    } catch (error) {
      const problem = error instanceof ConfabError ? error.problem : undefined;
      this.#say({ say: "answer", id, problem, unreachable: String(error) }, to);
    }
  }

  #settleWith({ id, ok, problem, unreachable }: Extract<Message, { say: "answer" }>): void {
    this.#settle(id, ({ resolve, reject }) => {
      if (problem) reject(new ConfabError(problem));
      else if (unreachable !== undefined) reject(new Unreachable(unreachable));
      else resolve(ok);
    });
  }

  #settle(id: number, work: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    waiting.cancelTimer();
    work(waiting);
  }

  #failWaiting(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, ({ reject }) => reject(new Unreachable("another tab has the connection now")));
  }

  /** Takes over from a leader that does not answer. A tab that was itself suspended in the meantime asks again. */
  #checkLeader(): void {
    const { environment } = this.parts;
    this.#cancelCheck = environment.after(PING_MS, () => {
      const askedAt = environment.now();
      if (this.#own || askedAt - this.#heardAt < PING_MS) return this.#checkLeader();
      this.#say({ say: "ping" });
      const wait_ms = PONG_MS * (1 + environment.random() / 2); // so that two tabs do not take over at once
      this.#cancelCheck = environment.after(wait_ms, () => {
        const wasSuspended = environment.now() - askedAt > 2 * PONG_MS;
        if (!this.#own && !wasSuspended && this.#heardAt < askedAt) this.#election.steal();
        this.#checkLeader();
      });
    });
  }

  #setState(state: SessionState): void {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }
}
