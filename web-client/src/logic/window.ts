// The window: the part of a conversation's log that is loaded, dense from its first to its last seq,
// and the rows that people see of it.
//
// Edits, redactions and reactions are entries of their own. Rows are made by folding the window from
// its first entry on, so that it does not matter whether a target came before or after its changes.

import type { Entry, EntryOf, ReactionGroup, TextEntry } from "../../sdk";

export const PAGE = 50;

export interface Window {
  /** Ascending by seq. */
  entries: Entry[];
  reachedStart: boolean;
}

export interface MessageRow {
  kind: "message";
  seq: number;
  sender: string;
  sent_at: string;
  client_id?: string;
  text: string;
  reply_to?: number;
  isEdited: boolean;
  isRedacted: boolean;
  reactions: ReactionGroup[];
}

export interface NoticeRow {
  kind: "notice";
  seq: number;
  sender: string;
  sent_at: string;
  entry: EntryOf<"joined" | "left" | "role" | "title">;
}

export type Row = MessageRow | NoticeRow;

export const EMPTY: Window = { entries: [], reachedStart: false };

export function lastSeq(window: Window): number {
  return window.entries.at(-1)?.seq ?? 0;
}

export function firstSeq(window: Window): number {
  return window.entries[0]?.seq ?? 0;
}

/** Puts a page of history, or one live entry, where it belongs; what is there already is replaced. */
export function withEntries(window: Window, entries: Entry[]): Window {
  const first = entries[0];
  if (!first) return window;
  if (first.seq > lastSeq(window)) return { ...window, entries: [...window.entries, ...entries] };
  const bySeq = new Map(window.entries.map((entry) => [entry.seq, entry]));
  for (const entry of entries) bySeq.set(entry.seq, entry);
  return { ...window, entries: [...bySeq.values()].sort((a, b) => a.seq - b.seq) };
}

/** A page from the upper end; a short one is the first of all. */
export function withOlder(window: Window, page: Entry[], limit: number): Window {
  const reachedStart = page.length < limit || page[0]?.seq === 1;
  return { ...withEntries(window, page), reachedStart };
}

export function rowsOf(window: Window): Row[] {
  const messages = new Map<number, MessageRow>();
  const rows: Row[] = [];
  for (const entry of window.entries) {
    const row = rowOf(entry);
    if (row) rows.push(row);
    if (row?.kind === "message") messages.set(row.seq, row);
    if ("target_seq" in entry) change(messages.get(entry.target_seq), entry);
  }
  return rows;
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
  return {
    kind: "message",
    seq: entry.seq,
    sender: entry.sender,
    sent_at: entry.sent_at,
    ...(entry.client_id === undefined ? {} : { client_id: entry.client_id }),
    text: entry.redacted ? "" : (entry.text ?? ""),
    ...(entry.reply_to === undefined ? {} : { reply_to: entry.reply_to }),
    isEdited: entry.edited_at !== undefined,
    isRedacted: entry.redacted ?? false,
    reactions: (entry.reactions ?? []).map(({ emoji, users }) => ({ emoji, users: [...users] })),
  };
}

type Change = EntryOf<"edited"> | EntryOf<"redacted"> | EntryOf<"reaction">;

function change(row: MessageRow | undefined, entry: Change): void {
  if (!row) return;
  if (entry.kind === "redacted") redact(row);
  else if (entry.kind === "reaction") row.reactions = withReaction(row.reactions, entry);
  else if (!row.isRedacted && entry.text !== undefined) {
    row.text = entry.text;
    row.isEdited = true;
  }
}

function redact(row: MessageRow): void {
  row.isRedacted = true;
  row.text = "";
  row.reactions = [];
}

export function withReaction(groups: ReactionGroup[], change: EntryOf<"reaction">): ReactionGroup[] {
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
