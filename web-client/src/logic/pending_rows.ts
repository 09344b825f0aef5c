// Shows commands that are not in the log yet: new messages as rows, and changes applied to their rows.

import type { OutboxItem } from "../../sdk/index";
import { type MessageRow, withReaction } from "./rows";

/** Returns the row of an unsent message, for grouping it with the other rows. */
export function rowOfItem(item: OutboxItem, me: string): MessageRow {
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
