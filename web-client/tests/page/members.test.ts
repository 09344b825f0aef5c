import { expect, it, vi } from "vitest";
import type { Client, Conversation, Member } from "../../sdk/index";
import { createMembers, MEMBERS_SHOWN_MAX } from "../../src/state/members";

const member = (user: string): Member => ({ user, role: "member", joined_seq: 1, delivered_seq: 0, read_seq: 0 });
const group = (member_count: number) => ({ id: "7", member_count }) as Conversation;

/** Members that are read with this answer. */
const membersOf = (answer: () => Promise<{ items: Member[] }>) => createMembers({ rest: { members: vi.fn(answer) } } as unknown as Client);

it("members are loading until they are read", async () => {
  const members = membersOf(async () => ({ items: [member("1")] }));
  expect(members.status("7")).toBe("loading");
  await members.load("7");
  expect([members.status("7"), members.of("7").length]).toEqual(["ready", 1]);
});

it("members that cannot be read have failed until the next attempt", async () => {
  let isDown = true;
  const members = membersOf(async () => {
    if (isDown) throw new Error("no answer");
    return { items: [member("1")] };
  });
  await members.load("7");
  expect(members.status("7")).toBe("failed");
  isDown = false;
  await members.load("7");
  expect(members.status("7")).toBe("ready");
});

it("receipt that arrives while the members are read is kept", async () => {
  let answer: (page: { items: Member[] }) => void = () => undefined;
  const members = membersOf(() => new Promise((resolve) => (answer = resolve)));
  const isRead = members.load("7");
  members.applyReceipt({ conversation: "7", user: "1", delivered_seq: 4, read_seq: 4 });
  members.applyReceipt({ conversation: "8", user: "2", delivered_seq: 4, read_seq: 4 });
  answer({ items: [member("1"), member("2")] });
  await isRead;
  expect(members.of("7").map(({ read_seq }) => read_seq)).toEqual([4, 0]);
});

it("receipts are unknown until the members are read, unless nobody else has any that are pushed", async () => {
  const members = membersOf(async () => ({ items: [member("1")] }));
  const known = () => [1, 2, MEMBERS_SHOWN_MAX, MEMBERS_SHOWN_MAX + 1].map((count) => members.knowsReceiptsIn(group(count)));
  expect(known()).toEqual([true, false, false, true]);
  await members.load("7");
  expect(known()).toEqual([true, true, true, true]);
});

it("receipts in a large group are unknown, also when its members were read", async () => {
  const members = membersOf(async () => ({ items: [member("1")] }));
  await members.load("7");
  expect([MEMBERS_SHOWN_MAX, MEMBERS_SHOWN_MAX + 1].map((count) => members.receiptsIn(group(count)).length)).toEqual([1, 0]);
});
