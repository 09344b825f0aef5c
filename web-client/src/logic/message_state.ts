// The state of the user's own message. It is as far as the slowest of the other members.

import type { Member, OutboxItem } from "../../sdk/index";

export type MessageState = "queued" | "sent" | "delivered" | "read" | "failed";

export function stateOfEntry(seq: number, members: Member[], me: string): MessageState {
  const others = members.filter((member) => member.user !== me && member.joined_seq <= seq);
  if (others.length === 0) return "sent";
  if (others.every((member) => member.read_seq >= seq)) return "read";
  if (others.every((member) => member.delivered_seq >= seq)) return "delivered";
  return "sent";
}

export function stateOfItem(item: OutboxItem): MessageState {
  return item.state === "failed" ? "failed" : item.state === "sent" ? "sent" : "queued";
}
