// The client: one object with everything that a user interface needs from the gateway.

import type { EntryCommand, HistoryQuery } from "./command.js";
import { Emitter } from "./emitter.js";
import { Feed } from "./feed.js";
import { Outbox, type OutboxItem, type OutboxStore } from "./outbox.js";
import { Receipts } from "./receipts.js";
import { Rest } from "./rest.js";
import { type ClientSession, type EndReason, Session, type SessionState } from "./session.js";
import type { Environment } from "./environment.js";
import type { TokenSource } from "./tokens.js";
import type { TabSession, TabSessionParts } from "./tab_session.js";
import { Watch } from "./watch.js";
import type { Conversation, Entry, Event, Gap, History, Presence, Receipt, Typing } from "./wire.js";

/** The version of this package. */
export const VERSION = "0.1.0";
const TEXT_BYTES_MAX = 16_384;

/** What a `Client` reports. */
export interface ClientEvents {
  /** Each entry of a conversation once, in order and without gaps. */
  entry: Entry;
  /** Too many entries were missed to deliver them one by one. Show the conversation from its head. */
  skipped: Omit<Gap, "ev">;
  conversation: Conversation;
  removed: string;
  receipt: Receipt;
  typing: Typing;
  presence: Presence;
  outbox: OutboxItem;
  /** A command could not be stored. It is lost if the page is closed before it is sent. */
  unsaved: OutboxItem;
  state: SessionState;
  /** The session is connected again. Ephemeral state (receipts, presence) must be read again. */
  attached: "online" | "polling";
  ended: EndReason;
  /** When the next attempt to connect starts, in milliseconds since the epoch. `wake` starts it at once. */
  retryAt: number;
  /** A frame that violates the protocol was ignored. */
  invalidFrame: Error;
}

type WithoutClientId<C> = C extends EntryCommand ? Omit<C, "client_id" | "base_seq"> : never;

/** What a `Client` is made of. */
export interface ClientParts {
  environment: Environment;
  tokens: TokenSource;
  unsent: OutboxStore;
  name: string;
  /** Shares the session with other tabs. Without it, the client has its own. */
  share?: ShareSession | undefined;
}

/** Makes a session that is shared with other tabs, or nothing where that is not possible. */
export type ShareSession = (parts: Pick<TabSessionParts, "environment" | "feed" | "open">) => TabSession | undefined;

/** The client below `Confab`: commands, events and REST calls, without the state of conversations. */
export class Client extends Emitter<ClientEvents> {
  readonly rest: Rest;
  readonly tokens: TokenSource;
  readonly outbox: Outbox;
  readonly watch: Watch;
  readonly environment: Environment;
  readonly #session: ClientSession;
  readonly #shared: TabSession | undefined;
  readonly #feed: Feed;
  readonly #receipts: Receipts;

  constructor(parts: ClientParts) {
    super();
    const { environment, tokens, unsent, name, share } = parts;
    this.environment = environment;
    this.tokens = tokens;
    this.rest = new Rest(environment, this.tokens);
    this.#feed = new Feed(environment, (conversation, query) => this.history(conversation, query), {
      entry: (entry) => {
        this.emit("entry", entry);
        this.#shared?.delivered({ ev: "message", entry });
      },
      skipped: (gap) => {
        this.emit("skipped", gap);
        this.#shared?.delivered({ ev: "gap", ...gap });
      },
    });
    const open = () => new Session(environment, this.tokens, this.rest, this.#feed, { name, version: VERSION });
    this.#shared = share?.({ environment, feed: this.#feed, open });
    this.#session = this.#shared ?? open();
    this.outbox = new Outbox(environment, this.#session, unsent);
    this.#receipts = new Receipts(this.#session, environment);
    this.watch = new Watch(this.#session, environment, (presence) => this.emit("presence", presence));
    this.#connectParts();
  }

  get state(): SessionState {
    return this.#session.state;
  }

  get textBytesMax(): number {
    return this.#session.limit("text_bytes_max", TEXT_BYTES_MAX);
  }

  start(): void {
    this.#session.start();
  }

  stop(reason?: EndReason): void {
    this.#session.stop(reason);
  }

  /** Reconnects at once. Call it when the network is back or the page becomes visible. */
  wake(): void {
    this.#session.wake();
  }

  /** Call it when the network is lost. Without it, a dead connection is only noticed after a timeout. */
  networkLost(): void {
    this.#session.networkLost();
  }

  /** Returns the newest seq of a conversation that was delivered here. */
  cursor(conversation: string): number | undefined {
    return this.#feed.cursor(conversation);
  }

  /** Queues a command that makes an entry. It is sent as soon as possible; `outbox` events report its state. */
  submit(command: WithoutClientId<EntryCommand>): OutboxItem {
    const base_seq = this.#feed.cursor(command.conversation);
    const client_id = this.environment.newId();
    const complete = { ...command, client_id, base_seq };
    return this.outbox.add(complete as EntryCommand);
  }

  /** Reads a page of history. Entries after the page's head are delivered, even if no connection is open yet. */
  async history(conversation: string, query: HistoryQuery): Promise<History> {
    const isOnline = this.#session.state === "online";
    const page = await (isOnline ? this.#session.execute({ cmd: "history", conversation, ...query }) : this.rest.history(conversation, query));
    this.#feed.startAfter(conversation, page.head_seq);
    return page;
  }

  /** Reports that entries up to `seq` have reached this device. Reports are combined, and repeated after failures. */
  delivered(conversation: string, seq: number): void {
    this.#receipts.delivered(conversation, seq);
  }

  /** Reports that the user has read up to `seq`. */
  read(conversation: string, seq: number): void {
    this.#receipts.read(conversation, seq);
  }

  /** Sends pending receipts at once, for example before the page is closed. */
  flushReceipts(): void {
    this.#receipts.flush();
  }

  /** Records the receipt that the gateway already has, so that it is not sent again. */
  receiptKnown(conversation: Pick<Conversation, "id" | "delivered_seq" | "read_seq">): void {
    this.#receipts.setKnown(conversation.id, conversation);
  }

  /** Sends a typing signal. It is ephemeral, so a failure is ignored. */
  typing(conversation: string, on: boolean): void {
    this.#session.execute({ cmd: "typing", conversation, on }).catch(() => undefined);
  }

  away(on: boolean): void {
    this.#session.execute({ cmd: "away", on }).catch(() => undefined);
  }

  newId(): string {
    return this.environment.newId();
  }

  #connectParts(): void {
    this.#session.on("event", (event) => this.#dispatch(event));
    this.relay(this.#session, "state", "retryAt", "invalidFrame");
    this.#session.on("attached", (state) => {
      this.outbox.resume();
      this.#receipts.flush();
      this.watch.attached(state);
      this.emit("attached", state);
    });
    this.#session.on("ended", (reason) => {
      this.watch.stop();
      this.emit("ended", reason);
    });
    this.tokens.on("logged_out", () => this.#session.stop("logged_out"));
    this.#shared?.share(this.outbox);
    this.outbox.on("changed", (item) => this.emit("outbox", item));
    this.relay(this.outbox, "unsaved");
  }

  #dispatch(event: Event): void {
    switch (event.ev) {
      case "message":
        this.watch.active(event.entry.sender);
        return this.#feed.offer(event.entry);
      case "gap":
        return this.#feed.gap(event);
      case "conversation":
        return this.emit("conversation", event.details);
      case "removed":
        this.#feed.forget(event.conversation);
        this.#receipts.forget(event.conversation);
        return this.emit("removed", event.conversation);
      case "receipt":
        this.watch.active(event.user);
        return this.emit("receipt", event);
      case "typing":
        this.watch.active(event.user);
        return this.emit("typing", event);
      case "presence":
        return this.watch.receive(event);
      case "draining":
      case "unknown":
        return undefined;
    }
  }
}
