// Pure functions that update the list of conversations.

import type { Conversation, Entry, Receipt, TextEntry } from "../../sdk/index";
import { indexFrom, type Row } from "./rows";
import { PAGE } from "./window";

/** Sorts by newest activity. Ids increase with time, so the longer or larger id is newer. */
export function byActivity(a: Conversation, b: Conversation): number {
  return compareIds(activity(b), activity(a));
}

function activity(conversation: Conversation): string {
  return conversation.last_message?.id ?? conversation.id;
}

export function compareIds(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Returns true until this user takes part in a conversation that somebody else has started. */
export function isRequest(conversation: Conversation): boolean {
  return conversation.state === "request";
}

/** Applies an entry. An entry up to `head_seq` is already included and changes nothing. */
export function withEntry(conversation: Conversation, entry: Entry, me: string): Conversation {
  if (entry.seq <= conversation.head_seq) return conversation;
  const state = entry.sender === me ? "open" : conversation.state; // writing accepts a request
  const next: Conversation = { ...conversation, head_seq: entry.seq, state };
  switch (entry.kind) {
    case "text":
      return withText(next, entry, me);
    case "edited":
      if (next.last_message?.seq !== entry.target_seq || entry.text === undefined) return next;
      return { ...next, last_message: { ...next.last_message, text: entry.text } as TextEntry };
    case "redacted":
      return withRedaction(next, entry.target_seq);
    case "title":
      return { ...next, title: entry.title };
    case "role":
      return entry.user === me ? { ...next, role: entry.role } : next;
    case "joined":
      return { ...next, member_count: next.member_count + 1 };
    case "left":
      return { ...next, member_count: Math.max(0, next.member_count - 1) };
    case "reaction":
    case "unknown":
      return next;
  }
}

/** Applies a redaction. A redacted text does not count as unread. One after `read_seq` is somebody else's. */
function withRedaction(conversation: Conversation, target: number): Conversation {
  const { last_message, unread, read_seq } = conversation;
  const next = target > read_seq ? { ...conversation, unread: Math.max(0, unread - 1) } : conversation;
  if (last_message?.seq !== target) return next;
  return { ...next, last_message: { ...last_message, text: undefined, redacted: true } as TextEntry };
}

/** Applies a text. A text by this user also moves their own receipt. */
function withText(conversation: Conversation, entry: TextEntry, me: string): Conversation {
  const next = { ...conversation, last_message: { ...entry } };
  if (entry.sender !== me) return { ...next, unread: conversation.unread + 1 };
  return { ...next, unread: 0, read_seq: entry.seq, delivered_seq: entry.seq };
}

/**
 * Merges newly read details. They may be slightly older than the local state. In that case, the local head, unread
 * count, last message and receipt are kept.
 */
export function withDetails(known: Conversation | undefined, details: Conversation): Conversation {
  if (!known) return details;
  const isBehind = details.head_seq < known.head_seq || details.read_seq < known.read_seq;
  const delivered_seq = Math.max(known.delivered_seq, details.delivered_seq);
  if (!isBehind) return { ...details, delivered_seq };
  const { head_seq, unread, last_message } = known;
  const state = isRequest(known) ? details.state : "open";
  const read_seq = Math.max(known.read_seq, details.read_seq);
  return { ...details, head_seq, unread, state, delivered_seq, read_seq, ...(last_message ? { last_message } : {}) };
}

/** Applies this user's own receipt, from here or another device. Only the gateway knows a partial unread count. */
export function withOwnReceipt(conversation: Conversation, receipt: Receipt): Conversation {
  const read_seq = Math.max(conversation.read_seq, receipt.read_seq);
  const delivered_seq = Math.max(conversation.delivered_seq, receipt.delivered_seq, read_seq);
  const lastText = conversation.last_message?.seq ?? 0;
  return { ...conversation, read_seq, delivered_seq, unread: read_seq >= lastText ? 0 : conversation.unread };
}

/** Marks `texts` more texts up to `seq` as read. */
export function withRead(conversation: Conversation, seq: number, texts: number): Conversation {
  const { id } = conversation;
  const next = withOwnReceipt(conversation, { conversation: id, user: "", delivered_seq: seq, read_seq: seq });
  return next.unread === 0 ? next : { ...next, unread: Math.max(0, next.unread - texts) };
}

/** Returns the seq at which to open a conversation, if its first unread message is before its newest page. */
export function openingSeq(conversation: Conversation): number | undefined {
  const { unread, head_seq, read_seq } = conversation;
  return unread > 0 && head_seq - read_seq >= PAGE ? read_seq + 1 : undefined;
}

/** Finds the first unread message. Its next search continues after the rows that it has already seen. */
export interface UnreadSearch {
  first: number | undefined;
  hasAnswered: boolean;
  upTo: number;
}

/** Continues the search in rows that may have become more. It ends once the user has answered. */
export function searchUnread(search: UnreadSearch, rows: readonly Row[], me: string): UnreadSearch {
  let { first, hasAnswered } = search;
  for (let at = indexFrom(rows, search.upTo + 1); at < rows.length; at += 1) {
    const row = rows[at] as Row;
    if (row.kind !== "message") continue;
    hasAnswered ||= row.sender === me;
    first ??= row.seq;
  }
  return { first: hasAnswered ? undefined : first, hasAnswered, upTo: Math.max(search.upTo, rows.at(-1)?.seq ?? 0) };
}

/** Returns the number of open conversations with unread messages. */
export function unreadConversations(conversations: Conversation[]): number {
  return conversations.filter((it) => !isRequest(it) && it.unread > 0).length;
}

/** Returns who added this user to a group, if the rows have the entry. */
export function adderOf(rows: readonly Row[], me: string): string | undefined {
  const isAdding = (row: Row) =>
    row.kind === "notice" && row.entry.kind === "joined" && (row.entry.user === me || row.alsoAdded?.includes(me) === true);
  return rows.findLast(isAdding)?.sender;
}
