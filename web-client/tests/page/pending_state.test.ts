import { beforeEach, expect, it } from "vitest";
import type { Client, EntryCommand, OutboxItem } from "../../sdk/index";
import { createPending } from "../../src/state/pending";
import { C, ME, textEntry } from "../sdk/gateway";

let failed: string[];
const client = { outbox: { restore: () => [] }, cursor: () => 4 } as unknown as Client;
const item = (client_id: string, command: Partial<EntryCommand>, fields: Partial<OutboxItem> = {}): OutboxItem =>
  ({ client_id, conversation: C, command: { conversation: C, client_id, ...command } as EntryCommand, made_at: 0, state: "queued", ...fields });
const make = () => createPending(client, ME, (it) => failed.push(it.client_id));
const send = { cmd: "send", text: "hello" } as const;
const edit = { cmd: "edit", seq: 3, text: "new" } as const;
const names = (items: readonly OutboxItem[]) => items.map((it) => it.client_id);

beforeEach(() => void (failed = []));

it("sent item stays until its entry arrives", () => {
  const pending = make();
  const states = [{}, { state: "sent" }] as const;
  for (const state of states) {
    pending.update(item("a", send, { ...state, ...("state" in state ? { entry: textEntry(5) } : {}) }));
    pending.update(item("b", edit, { ...state, ...("state" in state ? { entry: textEntry(6) } : {}) }));
    expect([names(pending.in(C)), names(pending.changesOf(C, 3)), pending.count(C)]).toEqual([["a"], ["b"], 2]);
  }
  pending.applyEntry(textEntry(5, { sender: ME, client_id: "a" }));
  pending.skipTo(C, 5);
  expect([names(pending.in(C)), names(pending.changesOf(C, 3))]).toEqual([[], ["b"]]);
  pending.skipTo(C, 6);
  expect(pending.count(C)).toBe(0);
});

it("failed message stays for a retry and failed change is reported and removed", () => {
  const pending = make();
  pending.update(item("a", send, { state: "failed" }));
  pending.update(item("b", edit));
  pending.update(item("b", edit, { state: "failed" }));
  expect([names(pending.in(C)), pending.changesOf(C, 3), failed]).toEqual([["a"], [], ["b"]]);
});

it("seq of a message that was shown before it was in the log is known by its client id", () => {
  const pending = make();
  pending.update(item("a", send));
  pending.applyEntry(textEntry(5, { sender: ME, client_id: "a" }));
  pending.applyEntry(textEntry(6, { sender: ME, client_id: "from another device" }));
  expect([...(pending.arrivedIn(C) ?? [])]).toEqual([["a", 5]]);
  pending.drop(C);
  expect(pending.arrivedIn(C)).toBeUndefined();
});

it("commands that cannot be stored are known until they are stored, sent again or removed", () => {
  const pending = make();
  expect(pending.hasUnsaved()).toBe(false);
  for (const command of [send, edit]) {
    pending.update(item("a", command, { isKept: false }));
    expect(pending.hasUnsaved()).toBe(true);
    pending.update(item("a", command));
    expect(pending.hasUnsaved()).toBe(false);
    pending.update(item("a", command, { isKept: false }));
    pending.update(item("a", command, { state: "dropped" }));
    expect([pending.hasUnsaved(), pending.count()]).toEqual([false, 0]);
  }
});
