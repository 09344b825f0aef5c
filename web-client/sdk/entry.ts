// Entries: the items of a conversation's log, as they appear in history, replies and events.
// An entry of an unknown kind keeps its seq, so that cursors can move past it.

import { type Fields, flag, listOf, optional, objectOf, record, type Shape, type Shaped, text, integer, oneOfOr } from "./shape.js";

export const role = oneOfOr("member", "owner", "admin", "member");

/** The role of a member. */
export type Role = Shaped<typeof role>;

const reactionGroup = record({ emoji: text, users: listOf(text) });

/** The users who reacted with an emoji. */
export interface ReactionGroup extends Shaped<typeof reactionGroup> {}

export const attachment = record({
  id: text,
  name: text,
  size: integer,
  type: text,
  /** Of an image, in pixels. */
  width: optional(integer),
  height: optional(integer),
  blurhash: optional(text),
  /** Of a sound or a video. */
  duration_ms: optional(integer),
});

/** A file of a message. Its type was found in its content: `application/octet-stream` for all but images, sounds and videos. */
export interface Attachment extends Shaped<typeof attachment> {}

const base = {
  conversation: text,
  seq: integer,
  id: text,
  sender: text,
  client_id: optional(text),
  sent_at: text,
};
type Base = Fields<typeof base>;

const kinds = {
  text: record({
    text: optional(text),
    reply_to: optional(integer),
    attachments: optional(listOf(attachment)),
    edited_at: optional(text),
    redacted: optional(flag),
    reactions: optional(listOf(reactionGroup)),
  }),
  edited: record({ target_seq: integer, text: optional(text) }),
  redacted: record({ target_seq: integer }),
  reaction: record({ target_seq: integer, emoji: text, on: flag }),
  joined: record({ user: text, role, invited_by: optional(text) }),
  left: record({ user: text, by: optional(text) }),
  role: record({ user: text, role }),
  title: record({ title: text }),
};

export type EntryKind = keyof typeof kinds;

/** An entry of a kind. */
export type EntryOf<K extends EntryKind> = K extends EntryKind ? Base & { kind: K } & Shaped<(typeof kinds)[K]> : never;
export type UnknownEntry = Base & { kind: "unknown" };

/** An item of a conversation's log. */
export type Entry = EntryOf<EntryKind> | UnknownEntry;

/** A message in its current state. */
export type TextEntry = EntryOf<"text">;

const baseShape = record(base);

export const entry: Shape<Entry> = (value, where) => {
  const source = objectOf(value, where);
  const kind = text(source["kind"], `${where}.kind`);
  const common = baseShape(value, where);
  if (!Object.hasOwn(kinds, kind)) return { ...common, kind: "unknown" };
  const rest = (kinds[kind as EntryKind] as Shape<object>)(value, where);
  return { ...common, kind, ...rest } as Entry;
};
