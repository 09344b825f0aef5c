import { describe, expect, it } from "vitest";
import type { EntryCommand, OutboxItem } from "../../sdk/index";
import { keyOfMessage, placeOf } from "../../src/logic/pending";
import { itemKeys, unsentRow, withPending } from "../../src/logic/pending_rows";
import { continuesRun } from "../../src/logic/grouping";
import { type MessageRow, rowsOf } from "../../src/logic/rows";
import { C, ME, OTHER, textEntry } from "../sdk/gateway";

const AT = "2026-03-14T09:00:00.000Z";
const base = { conversation: C, client_id: "a" };
const item = (command: EntryCommand, made_at = Date.parse(AT)): OutboxItem =>
  ({ client_id: "a", conversation: C, command, made_at, state: "queued" });
const edit = item({ ...base, cmd: "edit", seq: 4, text: "new" });
const redact = item({ ...base, cmd: "redact", seq: 4 });
const react = (on: boolean) => item({ ...base, cmd: "react", seq: 4, emoji: "👍", on });
const send = (made_at?: number) => item({ ...base, cmd: "send", text: "hello" }, made_at);
const row = (fields = {}) => rowsOf([textEntry(4, { sent_at: AT, ...fields })])[0] as MessageRow;

describe("pending change", () => {
  it("pending change is shown in its message only", () => {
    expect([edit, redact, react(true), send()].map(placeOf)).toEqual([...Array(3).fill(keyOfMessage(C, 4)), C]);
    expect(withPending(row(), [edit, react(true)], ME)).toMatchObject({
      text: "new",
      isEdited: true,
      reactions: [{ emoji: "👍", users: [ME] }],
    });
    expect(withPending(row(), [], ME)).toEqual(row());
  });

  it("pending change removes reactions and redacted text", () => {
    const reacted = row({ reactions: [{ emoji: "👍", users: [ME, OTHER] }] });
    expect(withPending(reacted, [react(false)], ME).reactions).toEqual([{ emoji: "👍", users: [OTHER] }]);
    expect(withPending(reacted, [redact, edit], ME)).toMatchObject({ text: "", isRedacted: true, reactions: [] });
    expect(reacted.reactions[0]?.users).toEqual([ME, OTHER]);
  });
});

it("unsent message is grouped with the rows before it", () => {
  const soon = unsentRow(send(Date.parse(AT) + 60_000), ME);
  expect(continuesRun(row({ sender: ME }), soon)).toBe(true);
  expect(continuesRun(row({ sender: OTHER }), soon)).toBe(false);
  expect(continuesRun(soon, unsentRow(send(Date.parse(AT) + 90_000), ME))).toBe(true);
});

it("message that was shown before it was in the log keeps its key", () => {
  const rows = rowsOf([textEntry(3), textEntry(4), textEntry(6)]);
  const arrived = new Map([["sent", 4], ["not loaded", 2], ["not a row", 5], ["newer", 7]]);
  expect(itemKeys(rows, [{ ...send(), client_id: "unsent" }], arrived)).toEqual([3, "sent", 6, "unsent"]);
  expect(itemKeys(rows, [])).toEqual([3, 4, 6]);
});
