// Entries: the items of a conversation's log, as history, replies and events carry them.
// A kind that this client does not know still has its seq, so that cursors go on past it.

import { type Fields, flag, listOf, maybe, objectOf, record, type Shape, type Shaped, text, whole, wordOr } from "./shape";

export const role = wordOr("member", "owner", "admin", "member");
export type Role = Shaped<typeof role>;

const reactionGroup = record({ emoji: text, users: listOf(text) });
export type ReactionGroup = Shaped<typeof reactionGroup>;

const base = {
  conversation: text,
  seq: whole,
  id: text,
  sender: text,
  client_id: maybe(text),
  sent_at: text,
};
type Base = Fields<typeof base>;

const kinds = {
  text: record({
    text: maybe(text),
    reply_to: maybe(whole),
    edited_at: maybe(text),
    redacted: maybe(flag),
    reactions: maybe(listOf(reactionGroup)),
  }),
  edited: record({ target_seq: whole, text: maybe(text) }),
  redacted: record({ target_seq: whole }),
  reaction: record({ target_seq: whole, emoji: text, on: flag }),
  joined: record({ user: text, role }),
  left: record({ user: text, by: maybe(text) }),
  role: record({ user: text, role }),
  title: record({ title: text }),
};

export type EntryKind = keyof typeof kinds;
export type EntryOf<K extends EntryKind> = K extends EntryKind ? Base & { kind: K } & Shaped<(typeof kinds)[K]> : never;
export type UnknownEntry = Base & { kind: "unknown" };
export type Entry = EntryOf<EntryKind> | UnknownEntry;
export type TextEntry = EntryOf<"text">;

const baseShape = record(base);

export const entry: Shape<Entry> = (value, where) => {
  const source = objectOf(value, where);
  const kind = text(source["kind"], `${where}.kind`);
  const common = baseShape(value, where);
  if (!(kind in kinds)) return { ...common, kind: "unknown" };
  const rest = (kinds[kind as EntryKind] as Shape<object>)(value, where);
  return { ...common, kind, ...rest } as Entry;
};
