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

it("receipts in a large group are unknown, also when its members were read", async () => {
  const members = membersOf(async () => ({ items: [member("1")] }));
  await members.load("7");
  expect([MEMBERS_SHOWN_MAX, MEMBERS_SHOWN_MAX + 1].map((count) => members.receiptsIn(group(count)).length)).toEqual([1, 0]);
});
