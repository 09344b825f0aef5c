// Shows commands that are not in the log yet: new messages as rows, and changes applied to their rows.

import type { OutboxItem } from "../../sdk/index";
import { indexFrom, type MessageRow, type Row, withReaction } from "./rows";

/** Returns the row of an unsent message. It has a seq as soon as the gateway has answered. */
export function unsentRow(item: OutboxItem, me: string): MessageRow {
  const { command, made_at } = item;
  return {
    kind: "message",
    seq: item.entry?.seq ?? Infinity,
    sender: me,
    sent_at: new Date(made_at).toISOString(),
    text: command.cmd === "send" ? command.text : "",
    isEdited: false,
    isRedacted: false,
    reactions: [],
    ...(command.cmd === "send" && command.reply_to !== undefined ? { reply_to: command.reply_to } : {}),
  };
}

/** Returns the row with pending changes applied. */
export function withPending(row: MessageRow, items: readonly OutboxItem[], me: string): MessageRow {
  return items.reduce((changed, { command }) => {
    if (changed.isRedacted) return changed;
    switch (command.cmd) {
      case "edit":
        return { ...changed, text: command.text, isEdited: true };
      case "redact":
        return { ...changed, text: "", files: undefined, isRedacted: true, reactions: [] };
      case "react":
        return { ...changed, reactions: withReaction(changed.reactions, { ...command, sender: me }) };
      case "send":
        return changed;
    }
  }, row);
}

/** The seq of a row, or the client id of a message that was shown before it was in the log. */
export type ItemKey = number | string;

/** Returns the keys of all items, in their order: the rows, then the unsent messages. `arrived` has seqs by client id. */
export function itemKeys(rows: readonly Row[], pending: readonly OutboxItem[], arrived?: ReadonlyMap<string, number>): ItemKey[] {
  const keys: ItemKey[] = rows.map((row) => row.seq);
  for (const [client_id, seq] of arrived ?? []) {
    const at = indexFrom(rows, seq);
    if (keys[at] === seq) keys[at] = client_id;
  }
  for (const item of pending) keys.push(item.client_id);
  return keys;
}
