// What a command that is not in the log yet is about.

import type { OutboxItem } from "../../sdk/index";

/** Returns the place that shows an item: a conversation for a new message, or the message that it changes. */
export function placeOf({ command, conversation }: OutboxItem): string {
  return command.cmd === "send" ? conversation : keyOfMessage(conversation, command.seq);
}

/** Returns a key of a message: by its seq, or by its client id while it is not in the log. */
export function keyOfMessage(conversation: string, message: number | string): string {
  return `${conversation}/${message}`;
}
