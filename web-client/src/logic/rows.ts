// The rows of a timeline: a message with its changes applied, or a notice. Lists of rows are ascending by seq.

import type { Attachment, Entry, EntryOf, ReactionGroup, TextEntry } from "../../sdk/index";
import { foldedNotice } from "./notices";

export interface MessageRow {
  kind: "message";
  seq: number;
  sender: string;
  sent_at: string;
  text: string;
  reply_to?: number;
  isEdited: boolean;
  isRedacted: boolean;
  reactions: readonly ReactionGroup[];
  files?: readonly Attachment[] | undefined;
}

export interface NoticeRow {
  kind: "notice";
  seq: number;
  sender: string;
  sent_at: string;
  entry: EntryOf<"joined" | "left" | "role" | "title">;
  /** Further users whom the sender added directly afterwards. */
  alsoAdded?: string[];
}

export type Row = MessageRow | NoticeRow;

/** An entry that changes a message. */
export type Change = EntryOf<"edited"> | EntryOf<"redacted"> | EntryOf<"reaction">;

const NO_REACTIONS: readonly ReactionGroup[] = [];
/** One string for each sender, because a long timeline has many rows of few people. */
const senders = new Map<string, string>();

export function isChange(entry: Entry): entry is Change {
  return entry.kind === "edited" || entry.kind === "redacted" || entry.kind === "reaction";
}

/** Returns the rows of entries, in their current state. Runs of notices are folded. */
export function rowsOf(entries: readonly Entry[]): Row[] {
  return withRows([], entries.flatMap((entry) => rowOf(entry) ?? []));
}

/** Returns rows followed by newer ones. The notices where they meet are folded. */
export function withRows(rows: readonly Row[], newer: readonly Row[]): Row[] {
  const all = rows.slice();
  for (const row of newer) {
    const last = all.at(-1);
    const fold = last && foldedNotice(last, row);
    if (fold) all[all.length - 1] = fold;
    else all.push(row);
  }
  return all;
}

/** Returns older rows followed by rows. Costs no more than copying them, however many they are. */
export function withOlderRows(older: readonly Row[], rows: readonly Row[]): Row[] {
  const first = rows[0];
  return first ? [...withRows(older, [first]), ...rows.slice(1)] : older.slice();
}

/** Returns the index of the first row at or after a seq, or the number of rows without one. */
export function indexFrom(rows: readonly Row[], seq: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle] as Row).seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function messageAt(rows: readonly Row[], seq: number): MessageRow | undefined {
  const row = rows[indexFrom(rows, seq)];
  return row?.kind === "message" && row.seq === seq ? row : undefined;
}

/** Returns the number of messages after `after`, up to and including `upTo`. Redacted ones do not count as unread. */
export function textsBetween(rows: readonly Row[], after: number, upTo: number): number {
  let count = 0;
  for (let at = indexFrom(rows, after + 1); at < rows.length; at += 1) {
    const row = rows[at] as Row;
    if (row.seq > upTo) break;
    if (row.kind === "message" && !row.isRedacted) count += 1;
  }
  return count;
}

/** Returns the rows with a change applied, or the same rows if its message is not among them. */
export function withChange(rows: readonly Row[], entry: Change): readonly Row[] {
  const row = messageAt(rows, entry.target_seq);
  const changed = row && changedMessage(row, entry);
  return changed && changed !== row ? rows.with(indexFrom(rows, row.seq), changed) : rows;
}

function rowOf(entry: Entry): Row | undefined {
  switch (entry.kind) {
    case "text":
      return messageOf(entry);
    case "joined":
    case "left":
    case "role":
    case "title": {
      const { seq, sender, sent_at } = entry;
      return { kind: "notice", seq, sender, sent_at, entry };
    }
    case "edited":
    case "redacted":
    case "reaction":
    case "unknown":
      return undefined;
  }
}

function messageOf(entry: TextEntry): MessageRow {
  const row: MessageRow = {
    kind: "message",
    seq: entry.seq,
    sender: shared(entry.sender),
    sent_at: entry.sent_at,
    text: entry.redacted ? "" : (entry.text ?? ""),
    isEdited: entry.edited_at !== undefined,
    isRedacted: entry.redacted ?? false,
    reactions: entry.reactions ?? NO_REACTIONS,
  };
  if (entry.reply_to !== undefined) row.reply_to = entry.reply_to;
  if (entry.attachments && !row.isRedacted) row.files = entry.attachments;
  return row;
}

function shared(sender: string): string {
  const known = senders.get(sender);
  if (known === undefined) senders.set(sender, sender);
  return known ?? sender;
}

function changedMessage(row: MessageRow, entry: Change): MessageRow {
  if (entry.kind === "redacted") return { ...row, isRedacted: true, text: "", files: undefined, reactions: NO_REACTIONS };
  if (entry.kind === "reaction") return { ...row, reactions: withReaction(row.reactions, entry) };
  return row.isRedacted || entry.text === undefined ? row : { ...row, text: entry.text, isEdited: true };
}

type Reaction = Pick<EntryOf<"reaction">, "sender" | "emoji" | "on">;

export function withReaction(groups: readonly ReactionGroup[], change: Reaction): readonly ReactionGroup[] {
  const others = (group: ReactionGroup) => group.users.filter((user) => user !== change.sender);
  const isThere = groups.some((group) => group.emoji === change.emoji);
  const all = isThere ? groups : [...groups, { emoji: change.emoji, users: [] }];
  return all
    .map((group) => {
      if (group.emoji !== change.emoji) return group;
      return { ...group, users: change.on ? [...others(group), change.sender] : others(group) };
    })
    .filter((group) => group.users.length > 0);
}
