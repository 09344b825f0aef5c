// The client: everything a user interface needs of the gateway, behind one object.

import type { EntryCommand, HistoryQuery } from "./command";
import { Emitter } from "./emitter";
import { Feed } from "./feed";
import { Outbox, type OutboxItem, type OutboxStore } from "./outbox";
import { Receipts } from "./receipts";
import { Rest } from "./rest";
import { type EndReason, Session, type SessionState } from "./session";
import type { Surroundings } from "./surroundings";
import { type LoginStore, Tokens } from "./tokens";
import { Watch } from "./watch";
import type { Conversation, Entry, Event, Gap, History, Presence, Receipt, Typing } from "./wire";

export const VERSION = "0.1.0";
const TEXT_BYTES_MAX = 16_384;

export interface ClientEvents {
  /** Each entry once, in order, without a gap within its conversation. */
  entry: Entry;
  /** Too much was missed to bring it entry by entry: show the conversation from its head. */
  skipped: Omit<Gap, "ev">;
  conversation: Conversation;
  removed: string;
  receipt: Receipt;
  typing: Typing;
  presence: Presence;
  outbox: OutboxItem;
  state: SessionState;
  /** What is of the moment (receipts, presence) has to be read again. */
  attached: "online" | "polling";
  ended: EndReason;
  /** A frame that is none of the protocol's was left out. */
  misread: Error;
}

type Unnamed<C> = C extends EntryCommand ? Omit<C, "client_id" | "base_seq"> : never;

export interface ClientParts {
  surroundings: Surroundings;
  logins: LoginStore;
  unsent: OutboxStore;
  name: string;
}

export class Client extends Emitter<ClientEvents> {
  readonly rest: Rest;
  readonly tokens: Tokens;
  readonly outbox: Outbox;
  readonly watch: Watch;
  private readonly surroundings: Surroundings;
  private readonly session: Session;
  private readonly feed: Feed;
  private readonly receipts: Receipts;

  constructor({ surroundings, logins, unsent, name }: ClientParts) {
    super();
    this.surroundings = surroundings;
    this.tokens = new Tokens(surroundings, logins);
    this.rest = new Rest(surroundings, this.tokens);
    this.feed = new Feed((conversation, query) => this.history(conversation, query), {
      entry: (entry) => this.emit("entry", entry),
      skipped: (gap) => this.emit("skipped", gap),
    });
    this.session = new Session(surroundings, this.tokens, this.rest, this.feed, { name, version: VERSION });
    this.outbox = new Outbox(surroundings, this.session, unsent);
    this.receipts = new Receipts(this.session);
    this.watch = new Watch(this.session, (presence) => this.emit("presence", presence));
    this.connectParts();
  }

  get state(): SessionState {
    return this.session.state;
  }

  get textBytesMax(): number {
    return this.session.limit("text_bytes_max", TEXT_BYTES_MAX);
  }

  start(): void {
    this.tokens.schedule();
    this.session.start();
  }

  stop(): void {
    this.session.stop();
  }

  /** The network is back or the page is seen again. */
  wake(): void {
    this.tokens.schedule();
    this.session.wake();
  }

  /** The newest seq of a conversation that was delivered here. */
  cursor(conversation: string): number | undefined {
    return this.feed.cursor(conversation);
  }

  /** Makes an entry, now or when there is a way; `outbox` events tell what becomes of it. */
  enter(command: Unnamed<EntryCommand>): OutboxItem {
    const base_seq = this.feed.cursor(command.conversation);
    const client_id = this.surroundings.freshId();
    const named = { ...command, client_id, ...(base_seq === undefined ? {} : { base_seq }) };
    return this.outbox.add(named as EntryCommand);
  }

  history(conversation: string, query: HistoryQuery): Promise<History> {
    if (this.session.state !== "online") return this.rest.history(conversation, query);
    return this.session.execute({ cmd: "history", conversation, ...query });
  }

  /** Told at most a few times a second, and again later where it could not be told. */
  delivered(conversation: string, seq: number): void {
    this.receipts.delivered(conversation, seq);
  }

  read(conversation: string, seq: number): void {
    this.receipts.read(conversation, seq);
  }

  /** Tells at once how far this user is: the page may not live for the next time. */
  flushReceipts(): void {
    this.receipts.flush();
  }

  /** The gateway's own view of how far this user is. */
  known(conversation: Pick<Conversation, "id" | "delivered_seq" | "read_seq">): void {
    this.receipts.known(conversation.id, conversation);
  }

  /** Of the moment: lost is lost. */
  typing(conversation: string, on: boolean): void {
    this.session.execute({ cmd: "typing", conversation, on }).catch(() => undefined);
  }

  away(on: boolean): void {
    this.session.execute({ cmd: "away", on }).catch(() => undefined);
  }

  freshId(): string {
    return this.surroundings.freshId();
  }

  private connectParts(): void {
    this.session.on("event", (event) => this.take(event));
    this.session.on("state", (state) => this.emit("state", state));
    this.session.on("misread", (error) => this.emit("misread", error));
    this.session.on("attached", (state) => {
      this.outbox.resume();
      this.receipts.flush();
      this.watch.attached(state);
      this.emit("attached", state);
    });
    this.session.on("ended", (reason) => {
      this.tokens.stop();
      this.watch.stop();
      this.emit("ended", reason);
    });
    this.tokens.on("logged_out", () => this.session.stop("logged_out"));
    this.outbox.on("changed", (item) => this.emit("outbox", item));
  }

  private take(event: Event): void {
    switch (event.ev) {
      case "message":
        return this.feed.offer(event.entry);
      case "gap":
        return this.feed.gap(event);
      case "conversation":
        return this.emit("conversation", event.details);
      case "removed":
        this.feed.forget(event.conversation);
        this.receipts.forget(event.conversation);
        return this.emit("removed", event.conversation);
      case "receipt":
        return this.emit("receipt", event);
      case "typing":
        return this.emit("typing", event);
      case "presence":
        return this.emit("presence", event);
      case "draining":
      case "unknown":
        return undefined;
    }
  }
}
