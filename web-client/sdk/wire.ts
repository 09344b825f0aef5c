// What the gateway says: users, conversations, members, events, replies and REST answers.
// Each type is read off its shape, so that the two cannot drift apart.

import { entry, type Entry, role } from "./entry";
import { anything, flag, listOf, mapOf, maybe, objectOf, record, type Shape, type Shaped, text, whole, word, wordOr } from "./shape";

export * from "./entry";

/** The newest seq that a client has of each conversation. */
export type CursorMap = Record<string, number>;

export const user = record({ id: text, username: text, display_name: maybe(text), created_at: maybe(text) });
export type User = Shaped<typeof user>;

/** The wire's `session`: one device's login with its secrets. */
export const login = record({ id: text, access_token: text, expires_in: whole, refresh_token: text });
export type Login = Shaped<typeof login>;

export const conversation = record({
  id: text,
  kind: word("direct", "group"),
  title: maybe(text),
  head_seq: whole,
  unread: whole,
  last_message: maybe(entry),
  delivered_seq: whole,
  read_seq: whole,
  role: maybe(role),
  member_count: whole,
  peer: maybe(user),
});
export type Conversation = Shaped<typeof conversation>;

export const member = record({ user: text, role, joined_seq: whole, delivered_seq: whole, read_seq: whole });
export type Member = Shaped<typeof member>;

export const presence = record({
  user: text,
  status: wordOr("unknown", "online", "away", "offline", "unknown"),
  last_seen_at: maybe(text),
});
export type Presence = Shaped<typeof presence>;

const receiptEvent = record({ conversation: text, user: text, delivered_seq: whole, read_seq: whole });
const typingEvent = record({ conversation: text, user: text, on: flag });
const conversationEvent = record({ conversation: text, details: conversation });
const removedEvent = record({ conversation: text });
const gapEvent = record({ conversation: text, after_seq: whole, head_seq: whole });
const drainingEvent = record({ reconnect_after_ms: maybe(whole) });

export type Receipt = Shaped<typeof receiptEvent>;
export type Typing = Shaped<typeof typingEvent>;
export type Gap = Shaped<typeof gapEvent>;

export type Event =
  | { ev: "message"; entry: Entry }
  | ({ ev: "receipt" } & Receipt)
  | ({ ev: "typing" } & Typing)
  | ({ ev: "presence" } & Presence)
  | ({ ev: "conversation" } & Shaped<typeof conversationEvent>)
  | ({ ev: "removed" } & Shaped<typeof removedEvent>)
  | ({ ev: "gap" } & Gap)
  | ({ ev: "draining" } & Shaped<typeof drainingEvent>)
  | { ev: "unknown" };

const eventShapes: Record<string, Shape<Event>> = {
  message: (value, where) => ({ ev: "message", entry: entry(value, where) }),
  receipt: (value, where) => ({ ev: "receipt", ...receiptEvent(value, where) }),
  typing: (value, where) => ({ ev: "typing", ...typingEvent(value, where) }),
  presence: (value, where) => ({ ev: "presence", ...presence(value, where) }),
  conversation: (value, where) => ({ ev: "conversation", ...conversationEvent(value, where) }),
  removed: (value, where) => ({ ev: "removed", ...removedEvent(value, where) }),
  gap: (value, where) => ({ ev: "gap", ...gapEvent(value, where) }),
  draining: (value, where) => ({ ev: "draining", ...drainingEvent(value, where) }),
};

export const event: Shape<Event> = (value, where) => {
  const name = text(objectOf(value, where)["ev"], `${where}.ev`);
  const shape = Object.hasOwn(eventShapes, name) ? eventShapes[name] : undefined;
  return shape ? shape(value, name) : { ev: "unknown" };
};

export const hello = record({
  user: text,
  session: text,
  heartbeat_ms: whole,
  limits: mapOf(anything),
  server_time: text,
  resume: mapOf(whole),
});
export type Hello = Shaped<typeof hello>;

export const sent = record({ message: entry, replayed: flag });
export type Sent = Shaped<typeof sent>;

export const history = record({ items: listOf(entry), head_seq: whole });
export type History = Shaped<typeof history>;

export const watched = record({ presence: listOf(presence) });
export const refreshed = record({ expires_in: whole });
export const nothing = record({});

export const registered = record({ user, session: login });
export type Registered = Shaped<typeof registered>;
export const renewed = record({ session: login });
export const conversations = record({ items: listOf(conversation), next_cursor: maybe(text) });
export type Conversations = Shaped<typeof conversations>;
export const members = record({ items: listOf(member), next_cursor: maybe(text) });
export type Members = Shaped<typeof members>;
export const people = record({ items: listOf(user) });
export const presences = record({ items: listOf(presence) });
export const polled = record({ events: listOf(event), resume: mapOf(whole) });
export type Polled = Shaped<typeof polled>;
