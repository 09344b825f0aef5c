import { describe, expect, it } from "vitest";
import type { EntryCommand, OutboxItem } from "../../sdk";
import { changes, rowOfItem, withPending } from "../../src/logic/pending";
import { continuesRun } from "../../src/logic/place";
import { EMPTY, type MessageRow, rowsOf, withEntries } from "../../src/logic/window";
import { C, ME, OTHER, textEntry } from "../sdk/gateway";

const AT = "2026-03-14T09:00:00.000Z";
const base = { conversation: C, client_id: "a" };
const item = (command: EntryCommand, made_at = Date.parse(AT)): OutboxItem =>
  ({ client_id: "a", conversation: C, command, made_at, state: "queued" });
const edit = item({ ...base, cmd: "edit", seq: 4, text: "new" });
const redact = item({ ...base, cmd: "redact", seq: 4 });
const react = (on: boolean) => item({ ...base, cmd: "react", seq: 4, emoji: "👍", on });
const send = (made_at?: number) => item({ ...base, cmd: "send", text: "hello" }, made_at);
const row = (fields = {}) => rowsOf(withEntries(EMPTY, [textEntry(4, { sent_at: AT, ...fields })]))[0] as MessageRow;

describe("a change that is not in the log yet", () => {
  it("shows in the message that it changes, and in no other one", () => {
    expect([edit, redact, react(true), send()].map((it) => [changes(it, 4), changes(it, 5)])).toEqual([
      [true, false],
      [true, false],
      [true, false],
      [false, false],
    ]);
    expect(withPending(row(), [edit, react(true)], ME)).toMatchObject({
      text: "new",
      isEdited: true,
      reactions: [{ emoji: "👍", users: [ME] }],
    });
    expect(withPending(row(), [], ME)).toEqual(row());
  });

  it("takes a reaction back, and a text away for good", () => {
    const reacted = row({ reactions: [{ emoji: "👍", users: [ME, OTHER] }] });
    expect(withPending(reacted, [react(false)], ME).reactions).toEqual([{ emoji: "👍", users: [OTHER] }]);
    expect(withPending(reacted, [redact, edit], ME)).toMatchObject({ text: "", isRedacted: true, reactions: [] });
    expect(reacted.reactions[0]?.users).toEqual([ME, OTHER]);
  });
});

it("an unsent message stands in the run that it will stand in", () => {
  const soon = rowOfItem(send(Date.parse(AT) + 60_000), ME);
  expect(continuesRun(row({ sender: ME }), soon)).toBe(true);
  expect(continuesRun(row({ sender: OTHER }), soon)).toBe(false);
  expect(continuesRun(soon, rowOfItem(send(Date.parse(AT) + 90_000), ME))).toBe(true);
});
