// What a command that is not in the log yet is about.

import type { OutboxItem } from "../../sdk/index";

/** Returns the place that shows an item: a conversation for a new message, or the message that it changes. */
export function placeOf({ command, conversation }: OutboxItem): string {
  return command.cmd === "send" ? conversation : placeOfChanges(conversation, command.seq);
}

export function placeOfChanges(conversation: string, seq: number): string {
  return `${conversation}/${seq}`;
}
