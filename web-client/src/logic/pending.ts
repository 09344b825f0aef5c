// What a command that is not in the log yet is about.

import type { OutboxItem } from "../../sdk/index";

export function isSend(item: OutboxItem): boolean {
  return item.command.cmd === "send";
}

export function changesMessage(item: OutboxItem, seq: number): boolean {
  return item.command.cmd !== "send" && item.command.seq === seq;
}
