// How far the members of a conversation are.

import type { Member } from "../../sdk/index";

/** Returns the members with a receipt applied. Receipts only move forward. */
export function withReceipt(
  members: Member[],
  receipt: { user: string; delivered_seq: number; read_seq: number },
): Member[] {
  return members.map((member) => {
    if (member.user !== receipt.user) return member;
    const read_seq = Math.max(member.read_seq, receipt.read_seq);
    return { ...member, read_seq, delivered_seq: Math.max(member.delivered_seq, receipt.delivered_seq, read_seq) };
  });
}
