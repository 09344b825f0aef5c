// One conversation: observable state, sending with a promise, and its history.

import type { Client } from "./client.js";
import { Emitter } from "./emitter.js";
import { Unreachable } from "./error.js";
import type { OutboxItem } from "./outbox.js";
import { initialRoom, type Message, messageOf, reduceRoom, type RoomEvent, type RoomState } from "./room_state.js";
import type { Conversation, Entry, Member, TextEntry } from "./wire.js";

const PAGE = 50;
const MEMBERS_PAGE = 100;
const TYPING_EXPIRES_MS = 6_000;

/** What a `Room` reports. */
export interface RoomEvents {
  state: RoomState;
  /** A new message of the log, by anybody. */
  message: Message;
  /** This user is no longer a member. */
  removed: undefined;
}

/** The options of `Room.send`. */
export interface SendOptions {
  /** The seq of the message that this one answers. */
  reply_to?: number;
  /** The ids of files that were uploaded with `@confab/client/attachments`. The text may then be empty. */
  attachments?: string[];
}

/** One conversation, with its observable state. */
export class Room extends Emitter<RoomEvents> {
  #current: RoomState;
  readonly #settling = new Map<string, { resolve(message: Message): void; reject(error: Error): void }>();
  readonly #typingTimers = new Map<string, () => void>();
  readonly #unsubscribe: (() => void)[];

  private constructor(
    private readonly client: Client,
    me: string,
    details: Conversation,
  ) {
    super();
    this.#current = initialRoom(me, details);
    const here = <T extends { conversation: string }>(work: (it: T) => void) => (it: T) => it.conversation === this.id && work(it);
    this.#unsubscribe = [
      client.on("entry", here((entry) => this.#applyEntry(entry))),
      client.on("skipped", here(() => void this.#reload().catch(() => undefined))),
      client.on("conversation", (it) => it.id === this.id && this.#apply({ type: "details", details: it })),
      client.on("receipt", here((receipt) => this.#apply({ type: "receipt", receipt }))),
      client.on("typing", here((typing) => this.#applyTyping(typing.user, typing.on))),
      client.on("outbox", here((item) => this.#applyItem(item))),
      client.on("attached", () => void this.#readMembers().catch(() => undefined)),
      client.on("removed", (id) => id === this.id && this.emit("removed", undefined)),
    ];
  }

  /** Opens a conversation. Entries that arrive while it is read are not lost. */
  static async open(client: Client, me: string, id: string): Promise<Room> {
    const room = new Room(client, me, await client.rest.conversation(id));
    try {
      await room.#reload();
    } catch (error) {
      room.close();
      throw error;
    }
    for (const item of client.outbox.items) if (item.conversation === id) room.#applyItem(item);
    return room;
  }

  get id(): string {
    return this.#current.details.id;
  }

  get state(): RoomState {
    return this.#current;
  }

  /** Sends a text. Resolves with the message when the gateway has stored it, also after a reconnect. */
  send(text: string, options: SendOptions = {}): Promise<Message> {
    const { client_id } = this.client.submit({ cmd: "send", conversation: this.id, text, ...options });
    return new Promise((resolve, reject) => {
      this.#settling.set(client_id, { resolve, reject });
    });
  }

  edit(seq: number, text: string): void {
    this.client.submit({ cmd: "edit", conversation: this.id, seq, text });
  }

  redact(seq: number): void {
    this.client.submit({ cmd: "redact", conversation: this.id, seq });
  }

  react(seq: number, emoji: string, on = true): void {
    this.client.submit({ cmd: "react", conversation: this.id, seq, emoji, on });
  }

  /** Sends a failed message again. */
  retry(client_id: string): void {
    this.client.outbox.retry(client_id);
  }

  /** Removes a failed message. */
  discard(client_id: string): void {
    this.client.outbox.discard(client_id);
  }

  /** Accepts a request: this user takes part from now on. */
  async accept(): Promise<void> {
    this.#apply({ type: "details", details: await this.client.rest.accept(this.id) });
  }

  /** Declines a request. The others do not notice it. */
  decline(): Promise<void> {
    return this.client.rest.decline(this.id);
  }

  /** Leaves a group, or hides a direct conversation until its next entry. */
  leave(): Promise<void> {
    return this.client.rest.removeMember(this.id, this.#current.me);
  }

  /** Marks everything up to `seq` as read, by default all. */
  read(seq: number = this.#current.head): void {
    this.client.read(this.id, seq);
    this.#apply({ type: "receipt", receipt: { conversation: this.id, user: this.#current.me, delivered_seq: seq, read_seq: seq } });
  }

  /** Shows the others that this user is writing. Repeat it every few seconds. */
  typing(on = true): void {
    this.client.typing(this.id, on);
  }

  /** Yields the messages before a seq, by default all, from the newest to the oldest. */
  async *history({ before }: { before?: number } = {}): AsyncGenerator<Message> {
    for (let before_seq = before; ; ) {
      const page = await this.client.history(this.id, before_seq === undefined ? { limit: PAGE } : { before_seq, limit: PAGE });
      for (const entry of page.items.toReversed()) if (entry.kind === "text") yield messageOf(entry);
      before_seq = page.items[0]?.seq;
      if (before_seq === undefined || before_seq <= 1) return;
    }
  }

  /** Stops updating the state. Messages that wait in the outbox are sent nevertheless. */
  close(): void {
    for (const stop of this.#unsubscribe) stop();
    for (const cancel of this.#typingTimers.values()) cancel();
  }

  #apply(event: RoomEvent): void {
    this.#current = reduceRoom(this.#current, event);
    this.emit("state", this.#current);
  }

  #applyEntry(entry: Entry): void {
    this.#apply({ type: "entry", entry });
    if (entry.kind === "joined") void this.#readMembers().catch(() => undefined);
    if (entry.kind !== "text") return;
    this.#settle(entry);
    this.emit("message", messageOf(entry));
  }

  #applyItem(item: OutboxItem): void {
    this.#apply({ type: "outbox", item });
    if (item.state === "sent" && item.entry?.kind === "text") return this.#settle(item.entry, item.client_id);
    if (item.state !== "failed" && item.state !== "dropped") return;
    this.#settling.get(item.client_id)?.reject(item.error ?? new Unreachable("the message was discarded"));
    this.#settling.delete(item.client_id);
  }

  /** Resolves the promise of a sent message. */
  #settle(entry: TextEntry, client_id = entry.sender === this.#current.me ? entry.client_id : undefined): void {
    if (client_id === undefined) return;
    this.#settling.get(client_id)?.resolve(messageOf(entry));
    this.#settling.delete(client_id);
  }

  #applyTyping(user: string, on: boolean): void {
    this.#typingTimers.get(user)?.();
    const typing = { conversation: this.id, user, on };
    this.#apply({ type: "typing", typing });
    if (on) this.#typingTimers.set(user, this.client.environment.after(TYPING_EXPIRES_MS, () => this.#applyTyping(user, false)));
  }

  /** Reads the newest page, and applies what has arrived after the gateway has read it. */
  async #reload(): Promise<void> {
    const arrived: Entry[] = [];
    const stop = this.client.on("entry", (entry) => entry.conversation === this.id && arrived.push(entry));
    const page = await this.client.history(this.id, { limit: PAGE }).finally(stop);
    this.#apply({ type: "page", page });
    for (const entry of arrived) if (entry.seq > page.head_seq) this.#apply({ type: "entry", entry });
    await this.#readMembers();
  }

  async #readMembers(): Promise<void> {
    const members: Member[] = [];
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor; isFirst = false) {
      const page = await this.client.rest.members(this.id, cursor, MEMBERS_PAGE);
      members.push(...page.items);
      cursor = page.next_cursor;
    }
    this.#apply({ type: "members", members });
  }
}
