// What the gateway sends: users, conversations, members, events, replies and REST answers.
// Each type is derived from its shape, so that the two always match.

import { entry, type Entry, role } from "./entry.js";
import {
  anything, flag, integer, listOf, mapOf, objectOf, oneOf, oneOfOr, optional, record, type Shape, type Shaped, text, withDefault,
} from "./shape.js";
import type * as Wire from "./wire.generated.js";

export * from "./entry.js";

/** A value as a shape returns it: `null` is a missing field. */
export type Received<T> = T extends null ? undefined : T extends object ? { [K in keyof T]: Received<T[K]> } : T;

/** `Read`. It compiles only if everything that the gateway sends, as its own description says, can be read as that. */
export type Reads<Read, _Sent extends Read> = Read;

/** The newest seq that a client has, for each conversation. */
export type CursorMap = Record<string, number>;

const userFields = { id: text, username: text, display_name: optional(text), created_at: optional(text) };
export const user = record(userFields);

/** A user, as others see them. */
export interface User extends Reads<Shaped<typeof user>, Received<Wire.UserJson>> {}

const audience = oneOfOr("nobody", "everyone", "contacts", "nobody");
/** A group of people. A group that only a newer server knows is treated like the smallest one. */
export type Audience = Shaped<typeof audience>;

export const privacy = record({ last_seen: audience, direct_messages: audience, add_to_groups: audience, read_receipts: flag });

/** The privacy settings of a user. */
export interface Privacy extends Reads<Shaped<typeof privacy>, Received<Wire.PrivacyJson>> {}

export const me = record({ ...userFields, privacy: optional(privacy) });
/** The user of this login. Older servers have no privacy settings. */
export interface Me extends Reads<Shaped<typeof me>, Received<Wire.MeJson>> {}

export const login = record({ id: text, access_token: text, expires_in: integer, refresh_token: text });
/** One device's login with its tokens. It is called `session` on the wire. */
export interface Login extends Reads<Shaped<typeof login>, Received<Wire.SessionJson>> {}

export const loginItem = record({
  id: text,
  device: optional(text),
  created_at: text,
  last_used_at: text,
  expires_at: text,
  current: flag,
});
/** A login in the list of a user's logins. */
export interface LoginItem extends Reads<Shaped<typeof loginItem>, Received<Wire.LoginJson>> {}

export const conversation = record({
  id: text,
  kind: oneOf("direct", "group"),
  title: optional(text),
  head_seq: integer,
  unread: integer,
  last_message: optional(entry),
  delivered_seq: integer,
  read_seq: integer,
  role: optional(role),
  member_count: integer,
  peer: optional(user),
  /** A request, until the user takes part in the conversation. */
  state: withDefault("open", oneOfOr("open", "request", "open")),
});

/** A conversation, as its member sees it. */
export interface Conversation extends Reads<Shaped<typeof conversation>, Received<Wire.ConversationJson>> {}

export const member = record({ user: text, role, joined_seq: integer, delivered_seq: integer, read_seq: integer });

/** A member of a conversation, with their receipts. */
export interface Member extends Reads<Shaped<typeof member>, Received<Wire.MemberJson>> {}

export const presence = record({
  user: text,
  status: oneOfOr("unknown", "online", "away", "offline", "unknown"),
  last_seen_at: optional(text),
});

/** If a user is online. */
export interface Presence extends Reads<Shaped<typeof presence>, Received<Wire.PresenceJson>> {}

const receiptEvent = record({ conversation: text, user: text, delivered_seq: integer, read_seq: integer });
const typingEvent = record({ conversation: text, user: text, on: flag });
const conversationEvent = record({ conversation: text, details: conversation });
const removedEvent = record({ conversation: text });
const gapEvent = record({ conversation: text, after_seq: integer, head_seq: integer });
const drainingEvent = record({ reconnect_after_ms: optional(integer) });

/** How far a member has got. */
export interface Receipt extends Reads<Shaped<typeof receiptEvent>, Received<Wire.ReceiptEvent>> {}

/** A user starts or stops typing. */
export interface Typing extends Reads<Shaped<typeof typingEvent>, Received<Wire.TypingEvent>> {}
export interface Gap extends Reads<Shaped<typeof gapEvent>, Received<Wire.GapEvent>> {}

/** An event of the gateway. */
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
  heartbeat_ms: integer,
  limits: mapOf(anything),
  resume: mapOf(integer),
});
export interface Hello extends Reads<Shaped<typeof hello>, Received<Wire.Welcome>> {}

export const sent = record({ message: entry, replayed: flag });
export interface Sent extends Reads<Shaped<typeof sent>, Received<Wire.Sent>> {}

export const history = record({ items: listOf(entry), head_seq: integer });

/** A page of a history. */
export interface History extends Reads<Shaped<typeof history>, Received<Wire.History>> {}

export const watched = record({ presence: listOf(presence) });
export const refreshed = record({ expires_in: integer });
export const nothing = record({});

export const registered = record({ user, session: login });
export interface Registered extends Reads<Shaped<typeof registered>, Received<Wire.LoggedIn>> {}
export const renewed = record({ session: login });
/** Counts over all conversations of the user. Older servers do not send them. */
const totals = record({ unread_conversations: integer, requests: integer });
export const conversations = record({ items: listOf(conversation), next_cursor: optional(text), totals: optional(totals) });
export interface Conversations extends Reads<Shaped<typeof conversations>, Received<Wire.ConversationsPage>> {}
export const members = record({ items: listOf(member), next_cursor: optional(text) });
export interface Members extends Reads<Shaped<typeof members>, Received<Wire.Paged_MemberJson>> {}
export const users = record({ items: listOf(user) });
export const logins = record({ items: listOf(loginItem) });
export const blocks = record({ items: listOf(text) });
export const presences = record({ items: listOf(presence) });
export const polled = record({ events: listOf(event), resume: mapOf(integer) });
export interface Polled extends Shaped<typeof polled> {}
