import { beforeEach, expect, it } from "vitest";
import type { Client, EntryCommand, OutboxItem } from "../../sdk";
import { createPending } from "../../src/state/pending";
import { C, ME, textEntry } from "../sdk/gateway";

let failed: string[];
const client = { outbox: { restore: () => [] }, cursor: () => 4 } as unknown as Client;
const item = (client_id: string, command: Partial<EntryCommand>, fields: Partial<OutboxItem> = {}): OutboxItem =>
  ({ client_id, conversation: C, command: { conversation: C, client_id, ...command } as EntryCommand, made_at: 0, state: "queued", ...fields });
const make = () => createPending(client, ME, (it) => failed.push(it.client_id));
const send = { cmd: "send", text: "hello" } as const;
const edit = { cmd: "edit", seq: 3, text: "new" } as const;
const names = (items: OutboxItem[]) => items.map((it) => it.client_id);

beforeEach(() => void (failed = []));

it("what is on its way stays until its entry is seen", () => {
  const pending = make();
  const states = [{}, { state: "sent" }] as const;
  for (const state of states) {
    pending.take(item("a", send, { ...state, ...("state" in state ? { entry: textEntry(5) } : {}) }));
    pending.take(item("b", edit, { ...state, ...("state" in state ? { entry: textEntry(6) } : {}) }));
    expect([names(pending.in(C)), names(pending.changesOf(C, 3)), pending.count(C)]).toEqual([["a"], ["b"], 2]);
  }
  pending.takeEntry(textEntry(5, { sender: ME, client_id: "a" }));
  pending.skipTo(C, 5);
  expect([names(pending.in(C)), names(pending.changesOf(C, 3))]).toEqual([[], ["b"]]);
  pending.skipTo(C, 6);
  expect(pending.count(C)).toBe(0);
});

it("a message that failed can be tried again; a change that failed is said, and goes", () => {
  const pending = make();
  pending.take(item("a", send, { state: "failed" }));
  pending.take(item("b", edit));
  pending.take(item("b", edit, { state: "failed" }));
  expect([names(pending.in(C)), pending.changesOf(C, 3), failed]).toEqual([["a"], [], ["b"]]);
});
