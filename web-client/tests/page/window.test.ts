import { describe, expect, it } from "vitest";
import type { Entry, EntryOf } from "../../sdk";
import {
  EMPTY, firstSeq, lastSeq, type MessageRow, reachesHead, rowsOf, textsBetween, type Window, withEntries, withFirst, withLive, withNewer,
  withOlder, withReaction,
} from "../../src/logic/window";
import { ME, OTHER, textEntry } from "../sdk/gateway";

const { kind: _, text: __, ...base } = textEntry(1);
const edited = (seq: number, target_seq: number, text?: string): Entry =>
  ({ ...base, seq, kind: "edited", target_seq, ...(text === undefined ? {} : { text }) });
const redacted = (seq: number, target_seq: number): Entry => ({ ...base, seq, kind: "redacted", target_seq });
const reaction = (seq: number, target_seq: number, sender: string, on = true): EntryOf<"reaction"> =>
  ({ ...base, seq, sender, kind: "reaction", target_seq, emoji: "👍", on });

const rows = (entries: Entry[]) => rowsOf(withEntries(EMPTY, entries));
const first = (entries: Entry[]) => rows(entries)[0] as MessageRow;

describe("window", () => {
  it("window keeps entries in order and once", () => {
    let window = withEntries(EMPTY, [textEntry(5), textEntry(6)]);
    window = withEntries(window, [textEntry(8)]);
    window = withEntries(window, [textEntry(6), textEntry(7)]);
    window = withOlder(window, [textEntry(3), textEntry(4)]);
    expect(window.entries.map((entry) => entry.seq)).toEqual([3, 4, 5, 6, 7, 8]);
    expect([firstSeq(window), lastSeq(window), window.reachedStart]).toEqual([3, 8, false]);
  });

  it("window recognises the start of the log", () => {
    expect(withOlder(EMPTY, [textEntry(1)]).reachedStart).toBe(true);
    expect(withOlder(EMPTY, [textEntry(7)]).reachedStart).toBe(false);
    expect(withOlder(EMPTY, []).reachedStart).toBe(true);
  });

  it("rows contain texts and notices, not changes", () => {
    const joined: Entry = { ...base, seq: 2, kind: "joined", user: ME, role: "member" };
    const unknown: Entry = { ...base, seq: 4, kind: "unknown" };
    const kinds = rows([textEntry(1), joined, edited(3, 1, "new"), unknown]).map((row) => [row.kind, row.seq]);
    expect(kinds).toEqual([["message", 1], ["notice", 2]]);
  });
});

describe("window before the head", () => {
  const page = (from: number, to: number, head_seq: number) => ({
    items: Array.from({ length: to - from + 1 }, (_, at) => textEntry(from + at)),
    head_seq,
  });
  const seqs = (window: Window) => window.entries.map((entry) => entry.seq);
  const old = withFirst(EMPTY, page(10, 12, 20));

  it("window before the head has more entries on both sides", () => {
    expect([seqs(old), old.reachedStart, reachesHead(old)]).toEqual([[10, 11, 12], false, false]);
    expect(withFirst(EMPTY, page(10, 12, 12))).toMatchObject({ reachedStart: false, head_seq: 12 });
    expect(withFirst(EMPTY, page(1, 3, 20)).reachedStart).toBe(true);
  });

  it("live entries wait until the window reaches them", () => {
    let window = withLive(withLive(old, textEntry(21)), textEntry(22));
    expect(seqs(window)).toEqual([10, 11, 12]);
    window = withNewer(window, page(13, 16, 22));
    expect([lastSeq(window), reachesHead(window)]).toEqual([16, false]);
    window = withNewer(window, page(17, 20, 22));
    expect([seqs(window).slice(-3), reachesHead(window), window.waiting]).toEqual([[20, 21, 22], true, []]);
    expect(lastSeq(withLive(window, textEntry(23)))).toBe(23);
  });

  it("waiting changes apply to rows of the window", () => {
    expect(rowsOf(withLive(old, edited(21, 11, "new")))[1]).toMatchObject({ seq: 11, text: "new" });
    expect(rowsOf(withLive(old, textEntry(21)))).toHaveLength(3);
  });

  it("entries that arrived before the first page are kept", () => {
    const early = withLive(withLive(EMPTY, textEntry(20)), textEntry(21));
    expect(seqs(withFirst(early, page(18, 20, 20)))).toEqual([18, 19, 20, 21]);
    expect(seqs(withFirst(early, { items: [], head_seq: 21 }))).toEqual([20, 21]);
    expect(withFirst(early, page(5, 7, 20))).toMatchObject({ head_seq: 21, waiting: [{ seq: 20 }, { seq: 21 }] });
  });

  it("window ends where history has no more entries", () => {
    expect(reachesHead(withNewer(old, { items: [], head_seq: 20 }))).toBe(true);
  });

  it("texts between two seqs are counted", () => {
    expect([textsBetween(old, 0, 99), textsBetween(old, 10, 11), textsBetween(old, 12, 99)]).toEqual([3, 1, 0]);
  });
});

describe("message row", () => {
  it("message shows its newest edit", () => {
    expect(first([textEntry(1), edited(2, 1, "b"), edited(3, 1, "c")])).toMatchObject({ text: "c", isEdited: true });
  });

  it("redacted message has no text, whatever the order of its edits", () => {
    const row = first([textEntry(1), edited(2, 1, "b"), redacted(3, 1), edited(4, 1, "c")]);
    expect(row).toMatchObject({ text: "", isRedacted: true, reactions: [] });
  });

  it("message in its current state is unchanged when its changes arrive again", () => {
    const present = textEntry(1, { text: "c", edited_at: "2026-03-14T10:00:00.000Z", reactions: [{ emoji: "👍", users: [ME] }] });
    const row = first([present, edited(2, 1, "b"), reaction(3, 1, ME), edited(4, 1, "c")]);
    expect(row).toMatchObject({ text: "c", reactions: [{ emoji: "👍", users: [ME] }] });
  });

  it("message shows changes that arrived before it", () => {
    let window = withEntries(EMPTY, [edited(7, 2, "new"), reaction(8, 2, ME)]);
    window = withOlder(window, [textEntry(2)]);
    expect(rowsOf(window)[0]).toMatchObject({ text: "new", reactions: [{ emoji: "👍", users: [ME] }] });
  });

  it("edit without text does not change the message", () => {
    expect(first([textEntry(1, { text: "a" }), edited(2, 1)])).toMatchObject({ text: "a" });
  });
});

describe("reactions", () => {
  it("reaction lists each user once and disappears with the last", () => {
    let groups = withReaction([], reaction(2, 1, ME));
    groups = withReaction(groups, reaction(3, 1, ME));
    groups = withReaction(groups, reaction(4, 1, OTHER));
    expect(groups).toEqual([{ emoji: "👍", users: [ME, OTHER] }]);
    groups = withReaction(groups, reaction(5, 1, ME, false));
    groups = withReaction(groups, reaction(6, 1, OTHER, false));
    expect(groups).toEqual([]);
  });
});
