// A window is the loaded part of a conversation's log. It has no holes between its first and its last seq.
// Rows are what the user sees of it.
//
// A window need not reach the head, because the user may look at old messages. Live entries then wait behind
// the window. They already change rows of the window, and join it when it has grown up to them.
//
// Edits, redactions and reactions are entries of their own. Rows are made by folding the whole window, so
// a change may arrive before or after its target.

import type { Entry, EntryOf, History, ReactionGroup, TextEntry } from "../../sdk";

export const PAGE = 50;

export interface Window {
  /** Ascending by seq, without holes. */
  entries: Entry[];
  reachedStart: boolean;
  /** Live entries that `entries` does not reach yet, ascending by seq. */
  waiting: Entry[];
  /** The newest known seq. */
  head_seq: number;
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
  /** Further users whom the sender added directly afterwards. */
  alsoAdded?: string[];
}

export type Row = MessageRow | NoticeRow;

export const EMPTY: Window = { entries: [], reachedStart: false, waiting: [], head_seq: 0 };

export function lastSeq(window: Window): number {
  return window.entries.at(-1)?.seq ?? 0;
}

export function firstSeq(window: Window): number {
  return window.entries[0]?.seq ?? 0;
}

export function reachesHead(window: Window): boolean {
  return lastSeq(window) >= window.head_seq;
}

/** Adds a live entry. */
export function withLive(window: Window, entry: Entry): Window {
  const head_seq = Math.max(window.head_seq, entry.seq);
  if (reachesHead(window) && isLoaded(window)) return { ...withEntries(window, [entry]), head_seq };
  return joined({ ...window, waiting: merged(window.waiting, [entry]), head_seq });
}

/** Adds a page that touches the window. Entries with the same seq are replaced. */
export function withEntries(window: Window, page: Entry[]): Window {
  return joined({ ...window, entries: merged(window.entries, page) });
}

/** Adds the page before the window. */
export function withOlder(window: Window, page: Entry[]): Window {
  return { ...withEntries(window, page), reachedStart: reachesStart(page) };
}

/** Returns true if nothing precedes the page. A page may be shorter than it was asked for: then it was large. */
function reachesStart(page: Entry[]): boolean {
  return page.length === 0 || page[0]?.seq === 1;
}

/** Adds the page after the window. An empty one means that there is nothing up to the waiting entries. */
export function withNewer(window: Window, page: History): Window {
  const head_seq = Math.max(window.head_seq, page.head_seq);
  if (page.items.length > 0) return withEntries({ ...window, head_seq }, page.items);
  const entries = merged(window.entries, window.waiting);
  return { ...window, entries, waiting: [], head_seq: entries.at(-1)?.seq ?? 0 };
}

/** Replaces the window with a first page. */
export function withFirst(window: Window, page: History): Window {
  const { items } = page;
  const head_seq = Math.max(window.head_seq, page.head_seq);
  return withEntries({ ...window, entries: [], reachedStart: reachesStart(items), head_seq }, items);
}

function isLoaded(window: Window): boolean {
  return window.entries.length > 0 || window.reachedStart;
}

/** Moves the waiting entries into the window if it has reached them. */
function joined(window: Window): Window {
  const first = window.waiting[0]?.seq ?? Infinity;
  const isReached = window.entries.length > 0 ? first <= lastSeq(window) + 1 : window.reachedStart;
  if (first === Infinity || !isReached) return window;
  return { ...window, entries: merged(window.entries, window.waiting), waiting: [] };
}

function merged(entries: Entry[], more: Entry[]): Entry[] {
  const first = more[0];
  if (!first) return entries;
  if (first.seq > (entries.at(-1)?.seq ?? 0)) return [...entries, ...more];
  const bySeq = new Map(entries.map((entry) => [entry.seq, entry]));
  for (const entry of more) bySeq.set(entry.seq, entry);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** Returns the number of texts after `after`, up to and including `upTo`. */
export function textsBetween(window: Window, after: number, upTo: number): number {
  return window.entries.filter((entry) => entry.kind === "text" && entry.seq > after && entry.seq <= upTo).length;
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
  for (const entry of window.waiting) {
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

type Reaction = Pick<EntryOf<"reaction">, "sender" | "emoji" | "on">;

export function withReaction(groups: ReactionGroup[], change: Reaction): ReactionGroup[] {
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
