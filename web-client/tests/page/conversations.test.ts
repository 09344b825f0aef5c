import { describe, expect, it } from "vitest";
import type { Conversation, Entry } from "../../sdk/index";
import {
  adderOf, byActivity, compareIds, openingSeq, searchUnread, unreadConversations, withDetails, withEntry, withOwnReceipt, withRead,
} from "../../src/logic/conversations";
import { rowsOf } from "../../src/logic/rows";
import { C, ME, OTHER, textEntry } from "../sdk/gateway";

const conversation = (fields: Partial<Conversation> = {}): Conversation => ({
  id: C,
  kind: "direct",
  head_seq: 4,
  unread: 1,
  last_message: textEntry(4),
  delivered_seq: 4,
  read_seq: 3,
  role: "member",
  member_count: 2,
  state: "open",
  ...fields,
});

describe("list of conversations", () => {
  it("list sorts by newest activity, comparing ids as numbers", () => {
    const old = conversation({ id: "999", last_message: textEntry(1, { id: "999" }) });
    const young = conversation({ id: "998", last_message: textEntry(1, { id: "1000" }) });
    const { last_message: _, ...empty } = conversation({ id: "1001" });
    expect([old, empty, young].sort(byActivity).map((it) => it.id)).toEqual(["1001", "998", "999"]);
    expect(compareIds("10", "9")).toBeGreaterThan(0);
  });

  it("unread count grows once for each text of others", () => {
    const next = withEntry(conversation(), textEntry(5), ME);
    expect(next).toMatchObject({ head_seq: 5, unread: 2, last_message: { seq: 5 } });
    expect(withEntry(next, textEntry(5), ME)).toBe(next);
  });

  it("unread count is zero after sending", () => {
    const next = withEntry(conversation(), textEntry(5, { sender: ME }), ME);
    expect(next).toMatchObject({ unread: 0, read_seq: 5, delivered_seq: 5 });
  });

  it("list item shows edits and redactions of its last message", () => {
    const { kind: _, text: __, ...base } = textEntry(5);
    const edited: Entry = { ...base, kind: "edited", target_seq: 4, text: "new" };
    expect(withEntry(conversation(), edited, ME).last_message).toMatchObject({ text: "new" });
    const redacted: Entry = { ...base, kind: "redacted", target_seq: 4 };
    expect(withEntry(conversation(), redacted, ME).last_message).toMatchObject({ redacted: true, text: undefined });
  });

  it("redacted texts do not count as unread", () => {
    const { kind: _, text: __, ...base } = textEntry(5);
    const redacted = (target_seq: number): Entry => ({ ...base, kind: "redacted", target_seq });
    expect(withEntry(conversation(), redacted(4), ME).unread).toBe(0);
    expect(withEntry(conversation(), redacted(3), ME).unread).toBe(1);
  });

  it("list item follows changes of title, role and members", () => {
    const { kind: _, text: __, ...base } = textEntry(5);
    const group = conversation({ kind: "group", title: "Picnic" });
    expect(withEntry(group, { ...base, kind: "title", title: "Lunch" }, ME).title).toBe("Lunch");
    expect(withEntry(group, { ...base, kind: "role", user: ME, role: "admin" }, ME).role).toBe("admin");
    expect(withEntry(group, { ...base, kind: "role", user: OTHER, role: "admin" }, ME).role).toBe("member");
    expect(withEntry(group, { ...base, kind: "joined", user: "7", role: "member" }, ME).member_count).toBe(3);
    expect(withEntry(group, { ...base, kind: "left", user: "7", by: ME }, ME).member_count).toBe(1);
  });

  it("list item keeps newer entries when older details arrive", () => {
    const known = withEntry(conversation(), textEntry(5), ME);
    expect(withDetails(known, conversation({ title: "New" }))).toMatchObject({ head_seq: 5, unread: 2, title: "New" });
    expect(withDetails(known, conversation({ head_seq: 6, unread: 0 }))).toMatchObject({ head_seq: 6, unread: 0 });
  });

  it("unread count stays zero when details are older than the read position", () => {
    const known = conversation({ unread: 0, read_seq: 4 });
    expect(withDetails(known, conversation({ unread: 1, read_seq: 3 }))).toMatchObject({ unread: 0, read_seq: 4 });
  });

  it("unread count is zero when the last message was read on any device", () => {
    const receipt = { conversation: C, user: ME, delivered_seq: 4, read_seq: 4 };
    expect(withOwnReceipt(conversation(), receipt)).toMatchObject({ unread: 0, read_seq: 4 });
    expect(withOwnReceipt(conversation({ unread: 2 }), { ...receipt, read_seq: 2 })).toMatchObject({ unread: 2, read_seq: 3 });
  });

  it("unread count decreases while reading and never increases", () => {
    const many = conversation({ unread: 60, read_seq: 3, head_seq: 63, last_message: textEntry(63) });
    expect(withRead(many, 13, 10)).toMatchObject({ unread: 50, read_seq: 13 });
    expect(withRead(many, 63, 10)).toMatchObject({ unread: 0, read_seq: 63 });
    expect(withRead(many, 2, 0)).toMatchObject({ unread: 60, read_seq: 3 });
  });

  it("conversation opens at its first unread message when that is on an older page", () => {
    expect(openingSeq(conversation({ unread: 60, read_seq: 3, head_seq: 63 }))).toBe(4);
    expect(openingSeq(conversation({ unread: 40, read_seq: 23, head_seq: 63 }))).toBeUndefined();
    expect(openingSeq(conversation({ unread: 0, read_seq: 3, head_seq: 63 }))).toBeUndefined();
  });

  it("first unread message is marked until the user answers", () => {
    const rows = (...senders: string[]) =>
      rowsOf(senders.map((sender, at) => textEntry(at + 1, { sender })));
    const from = (upTo: number) => ({ first: undefined, hasAnswered: false, upTo });
    expect(searchUnread(from(1), rows(ME, OTHER, OTHER), ME)).toEqual({ first: 2, hasAnswered: false, upTo: 3 });
    expect(searchUnread(from(1), rows(ME, OTHER, OTHER, ME), ME).first).toBeUndefined();
    expect(searchUnread(from(Infinity), rows(ME, OTHER), ME).first).toBeUndefined();
    const found = searchUnread(from(1), rows(ME, OTHER), ME);
    expect(searchUnread(found, rows(ME, OTHER, OTHER), ME).first).toBe(2);
    expect(searchUnread(found, rows(ME, OTHER, ME, OTHER), ME).first).toBeUndefined();
  });

  it("only open conversations with unread messages count as unread", () => {
    expect(unreadConversations([conversation(), conversation({ unread: 4 }), conversation({ unread: 0 }), conversation({ state: "request" })])).toBe(2);
  });

  it("request opens when this user writes, and not when others do", () => {
    const request = conversation({ state: "request" });
    expect(withEntry(request, textEntry(5), ME).state).toBe("request");
    expect(withEntry(request, textEntry(5, { sender: ME }), ME).state).toBe("open");
  });

  it("request that was answered stays open when older details arrive", () => {
    const answered = withEntry(conversation({ state: "request" }), textEntry(5, { sender: ME }), ME);
    expect(withDetails(answered, conversation({ state: "request" })).state).toBe("open");
    expect(withDetails(answered, conversation({ state: "request", head_seq: 6, read_seq: 5 })).state).toBe("request");
    expect(withDetails(conversation({ state: "request", head_seq: 9 }), conversation()).state).toBe("open");
  });

  it("member who added this user to a group is found in its newest joining", () => {
    const { kind: _, text: __, ...base } = textEntry(1);
    const joined = (seq: number, sender: string, user: string): Entry => ({ ...base, seq, sender, kind: "joined", user, role: "member" });
    const rows = rowsOf([joined(1, "8", "8"), joined(2, "8", ME), joined(3, "9", ME), joined(4, "9", OTHER)]);
    expect([adderOf(rows, ME), adderOf(rows, "10")]).toEqual(["9", undefined]);
  });
});
