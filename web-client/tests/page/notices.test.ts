import { expect, it } from "vitest";
import type { Entry } from "../../sdk/index";
import { listedUpTo } from "../../src/logic/dates";
import { unmarked } from "../../src/text/sentence";
import { type Row, rowsOf, withOlderRows, withRows } from "../../src/logic/rows";
import { ME, OTHER, textEntry } from "../sdk/gateway";

const { kind: _, text: __, ...base } = textEntry(1);
const joined = (seq: number, sender: string, user: string, sent_at = base.sent_at): Entry => ({
  ...base, seq, sender, user, sent_at, kind: "joined", role: "member",
});
const shown = (rows: readonly Row[]) => rows.map((row) => [row.seq, row.kind === "notice" ? (row.alsoAdded ?? []) : row.text]);
const fold = (...entries: Entry[]) => shown(rowsOf(entries));

it("additions by one member are one notice, with the seq of the last one", () => {
  expect(fold(joined(1, ME, ME), joined(2, ME, "7"), joined(3, ME, "8"), joined(4, ME, "9"))).toEqual([[1, []], [4, ["8", "9"]]]);
});

it("additions are one notice when they come in several pages", () => {
  const pages = [[joined(2, ME, "7"), joined(3, ME, "8")], [joined(4, ME, "9"), joined(5, ME, "10")]].map(rowsOf) as [Row[], Row[]];
  const one = [[5, ["8", "9", "10"]]];
  expect([shown(withRows(...pages)), shown(withOlderRows(...pages))]).toEqual([one, one]);
});

it("additions are apart when another member, a message or a day is between them", () => {
  expect(fold(joined(1, ME, "7"), joined(2, OTHER, "8"), joined(3, "9", "9"), joined(4, OTHER, "5"))).toEqual([[1, []], [2, []], [3, []], [4, []]]);
  expect(fold(joined(1, ME, "7"), textEntry(2), joined(3, ME, "8"))).toEqual([[1, []], [2, "text 2"], [3, []]]);
  expect(fold(joined(1, ME, "7"), joined(2, ME, "8", "2026-03-16T09:26:53.589Z"))).toEqual([[1, []], [2, []]]);
});

it("long list of names ends with the number of the others", () => {
  expect(unmarked(listedUpTo(3, ["Ada", "Bo", "Cy"]))).toBe("Ada, Bo, and Cy");
  expect(unmarked(listedUpTo(3, ["Ada", "Bo", "Cy", "Di", "Ed"]))).toBe("Ada, Bo, and 3 others");
});
