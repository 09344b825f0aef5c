// The state of a conversation, as a function of what happened before: `(state, event) → state`, without a framework.

import type { ConfabError } from "./error.js";
import type { OutboxItem } from "./outbox.js";
import type { Attachment, Conversation, Entry, History, Member, ReactionGroup, Receipt, TextEntry, Typing } from "./wire.js";

/** The newest messages that are kept. Older ones are read with `history`. */
export const MESSAGES_MAX = 500;

/** A message of a conversation, stored or not. */
export interface Message {
  /** Undefined while it is pending. */
  readonly seq?: number;
  /** Identifies this user's own message before it has a seq. */
  readonly client_id?: string | undefined;
  readonly sender: string;
  readonly text: string;
  readonly sent_at: string;
  readonly reply_to?: number | undefined;
  /** The files of the message. A message that is pending has none yet. */
  readonly attachments?: readonly Attachment[] | undefined;
  readonly isEdited: boolean;
  readonly isRedacted: boolean;
  readonly reactions: readonly ReactionGroup[];
  readonly state: "pending" | "sent" | "failed";
  /** True if an unsent message could not be stored. It is lost if the app ends before it is sent. */
  readonly isUnkept?: boolean | undefined;
  /** Why it has failed. */
  readonly error?: ConfabError | undefined;
}

/** What is known of a conversation. It is never changed in place. */
export interface RoomState {
  readonly me: string;
  readonly details: Conversation;
  /** Ascending: messages of the log, then unsent ones. */
  readonly messages: readonly Message[];
  readonly members: readonly Member[];
  /** The ids of the users who are writing. */
  readonly typing: readonly string[];
  readonly unread: number;
  /** The newest seq of the log. */
  readonly head: number;
}

/** What changes the state of a conversation. */
export type RoomEvent =
  | { type: "page"; page: History }
  | { type: "entry"; entry: Entry }
  | { type: "details"; details: Conversation }
  | { type: "members"; members: readonly Member[] }
  | { type: "outbox"; item: OutboxItem }
  | { type: "typing"; typing: Typing }
  | { type: "receipt"; receipt: Receipt };

/** Returns the state of a conversation before its messages are read. */
export function initialRoom(me: string, details: Conversation): RoomState {
  return { me, details, messages: [], members: [], typing: [], unread: details.unread, head: details.head_seq };
}

/** Returns the state after an event. It has no other effects. */
export function reduceRoom(state: RoomState, event: RoomEvent): RoomState {
  switch (event.type) {
    case "page":
      return withPage(state, event.page);
    case "entry":
      return withEntry(state, event.entry);
    case "details":
      return { ...state, details: event.details, unread: event.details.unread };
    case "members":
      return { ...state, members: event.members };
    case "outbox":
      return { ...state, messages: withItem(state, event.item) };
    case "typing":
      return { ...state, typing: withTyping(state, event.typing) };
    case "receipt":
      return withReceipt(state, event.receipt);
  }
}

/** Replaces the messages of the log with those of the newest page. Unsent ones stay. */
function withPage(state: RoomState, page: History): RoomState {
  const messages = page.items.filter((entry) => entry.kind === "text").map(messageOf);
  const isInPage = ({ client_id }: Message) => messages.some((it) => it.sender === state.me && it.client_id === client_id);
  const unsent = state.messages.filter((it) => it.seq === undefined && !isInPage(it));
  return { ...state, messages: [...messages, ...unsent], head: Math.max(state.head, page.head_seq) };
}

function withEntry(state: RoomState, entry: Entry): RoomState {
  const next = { ...state, head: Math.max(state.head, entry.seq), typing: state.typing.filter((user) => user !== entry.sender) };
  switch (entry.kind) {
    case "text":
      return withText(next, entry);
    case "edited":
      if (entry.text === undefined) return next;
      return changed(next, entry.target_seq, (it) => (it.isRedacted ? it : { ...it, text: entry.text ?? "", isEdited: true }));
    case "redacted":
      return changed(next, entry.target_seq, (it) => ({ ...it, text: "", attachments: undefined, isRedacted: true, reactions: [] }));
    case "reaction":
      return changed(next, entry.target_seq, (it) => ({ ...it, reactions: withReaction(it.reactions, entry) }));
    case "left":
      return { ...next, members: next.members.filter((it) => it.user !== entry.user) };
    case "role":
      return { ...next, members: next.members.map((it) => (it.user === entry.user ? { ...it, role: entry.role } : it)) };
    case "title":
      return { ...next, details: { ...next.details, title: entry.title } };
    case "joined":
    case "unknown":
      return next;
  }
}

/** Adds a text at its place. It replaces the unsent message that it was made of. */
function withText(state: RoomState, entry: TextEntry): RoomState {
  const isNew = !state.messages.some((it) => it.seq === entry.seq);
  if (!isNew) return state;
  const isMine = entry.sender === state.me;
  const logged = state.messages.filter((it) => it.seq !== undefined);
  const unsent = state.messages.filter((it) => it.seq === undefined && !(isMine && it.client_id === entry.client_id));
  const sorted = [...logged, messageOf(entry)].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0)).slice(-MESSAGES_MAX);
  const unread = isMine ? 0 : entry.seq > state.details.read_seq ? state.unread + 1 : state.unread;
  return { ...state, messages: [...sorted, ...unsent], unread };
}

/** Returns the message of a text in its current state. */
export function messageOf(entry: TextEntry): Message {
  const { seq, client_id, sender, sent_at, reply_to, attachments } = entry;
  return {
    seq,
    client_id,
    sender,
    text: entry.redacted ? "" : (entry.text ?? ""),
    sent_at,
    reply_to,
    attachments,
    isEdited: entry.edited_at !== undefined,
    isRedacted: entry.redacted ?? false,
    reactions: entry.reactions ?? [],
    state: "sent",
  };
}

/** Updates the message of an outbox item. A sent one stays pending until its entry arrives, so that the order is that of the log. */
function withItem(state: RoomState, item: OutboxItem): readonly Message[] {
  const { messages, me } = state;
  const { command, client_id } = item;
  if (command.cmd !== "send") return messages;
  const others = messages.filter((it) => it.seq !== undefined || it.client_id !== client_id);
  const isInLog = messages.some((it) => it.seq !== undefined && it.sender === me && it.client_id === client_id);
  if (isInLog || item.state === "dropped") return others;
  const message: Message = {
    client_id,
    sender: me,
    text: command.text,
    sent_at: new Date(item.made_at).toISOString(),
    reply_to: command.reply_to,
    isEdited: false,
    isRedacted: false,
    reactions: [],
    state: item.state === "failed" ? "failed" : "pending",
    isUnkept: item.isKept === false || undefined,
    error: item.error,
  };
  const at = messages.findIndex((it) => it.seq === undefined && it.client_id === client_id);
  return at < 0 ? [...messages, message] : messages.map((it, index) => (index === at ? message : it));
}

function changed(state: RoomState, seq: number, change: (message: Message) => Message): RoomState {
  return { ...state, messages: state.messages.map((it) => (it.seq === seq ? change(it) : it)) };
}

function withReaction(groups: readonly ReactionGroup[], { emoji, sender, on }: { emoji: string; sender: string; on: boolean }) {
  const all = groups.some((it) => it.emoji === emoji) ? groups : [...groups, { emoji, users: [] }];
  return all
    .map((it) => {
      if (it.emoji !== emoji) return it;
      const others = it.users.filter((user) => user !== sender);
      return { emoji, users: on ? [...others, sender] : others };
    })
    .filter((it) => it.users.length > 0);
}

function withTyping({ typing, me }: RoomState, { user, on }: Typing): readonly string[] {
  const others = typing.filter((other) => other !== user);
  return on && user !== me ? [...others, user] : others;
}

function withReceipt(state: RoomState, { user, delivered_seq, read_seq }: Receipt): RoomState {
  const members = state.members.map((it) => {
    if (it.user !== user) return it;
    return { ...it, delivered_seq: Math.max(it.delivered_seq, delivered_seq, read_seq), read_seq: Math.max(it.read_seq, read_seq) };
  });
  if (user !== state.me) return { ...state, members };
  const details = { ...state.details, read_seq: Math.max(state.details.read_seq, read_seq) };
  const isUnread = (it: Message) => it.seq !== undefined && it.seq > details.read_seq && it.sender !== state.me && !it.isRedacted;
  return { ...state, members, details, unread: read_seq >= state.head ? 0 : Math.min(state.unread, state.messages.filter(isUnread).length) };
}
