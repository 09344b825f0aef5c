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

describe("a window", () => {
  it("keeps entries in order, each once, wherever they come in", () => {
    let window = withEntries(EMPTY, [textEntry(5), textEntry(6)]);
    window = withEntries(window, [textEntry(8)]);
    window = withEntries(window, [textEntry(6), textEntry(7)]);
    window = withOlder(window, [textEntry(3), textEntry(4)], 2);
    expect(window.entries.map((entry) => entry.seq)).toEqual([3, 4, 5, 6, 7, 8]);
    expect([firstSeq(window), lastSeq(window), window.reachedStart]).toEqual([3, 8, false]);
  });

  it("knows its beginning by the first seq, by a short page, and by an empty one", () => {
    expect(withOlder(EMPTY, [textEntry(1)], 1).reachedStart).toBe(true);
    expect(withOlder(EMPTY, [textEntry(7)], 2).reachedStart).toBe(true);
    expect(withOlder(EMPTY, [], 2).reachedStart).toBe(true);
  });

  it("shows texts and what happened to the conversation, not the changes themselves", () => {
    const joined: Entry = { ...base, seq: 2, kind: "joined", user: ME, role: "member" };
    const unknown: Entry = { ...base, seq: 4, kind: "unknown" };
    const kinds = rows([textEntry(1), joined, edited(3, 1, "new"), unknown]).map((row) => [row.kind, row.seq]);
    expect(kinds).toEqual([["message", 1], ["notice", 2]]);
  });
});

describe("a window away from the head", () => {
  const page = (from: number, to: number, head_seq: number) => ({
    items: Array.from({ length: to - from + 1 }, (_, at) => textEntry(from + at)),
    head_seq,
  });
  const seqs = (window: Window) => window.entries.map((entry) => entry.seq);
  const old = withFirst(EMPTY, page(10, 12, 20), 0);

  it("knows that there is more, on both sides", () => {
    expect([seqs(old), old.reachedStart, reachesHead(old)]).toEqual([[10, 11, 12], false, false]);
    expect(withFirst(EMPTY, page(10, 12, 12), 50)).toMatchObject({ reachedStart: true, head_seq: 12 });
    expect(withFirst(EMPTY, page(1, 3, 20), 0).reachedStart).toBe(true);
  });

  it("keeps what comes live apart until it reaches it", () => {
    let window = withLive(withLive(old, textEntry(21)), textEntry(22));
    expect(seqs(window)).toEqual([10, 11, 12]);
    window = withNewer(window, page(13, 16, 22));
    expect([lastSeq(window), reachesHead(window)]).toEqual([16, false]);
    window = withNewer(window, page(17, 20, 22));
    expect([seqs(window).slice(-3), reachesHead(window), window.waiting]).toEqual([[20, 21, 22], true, []]);
    expect(lastSeq(withLive(window, textEntry(23)))).toBe(23);
  });

  it("shows what happens to its messages meanwhile", () => {
    expect(rowsOf(withLive(old, edited(21, 11, "new")))[1]).toMatchObject({ seq: 11, text: "new" });
    expect(rowsOf(withLive(old, textEntry(21)))).toHaveLength(3);
  });

  it("has what came live before its first page did", () => {
    const early = withLive(withLive(EMPTY, textEntry(20)), textEntry(21));
    expect(seqs(withFirst(early, page(18, 20, 20), 3))).toEqual([18, 19, 20, 21]);
    expect(seqs(withFirst(early, { items: [], head_seq: 21 }, 3))).toEqual([20, 21]);
    expect(withFirst(early, page(5, 7, 20), 0)).toMatchObject({ head_seq: 21, waiting: [{ seq: 20 }, { seq: 21 }] });
  });

  it("ends where history has nothing more", () => {
    expect(reachesHead(withNewer(old, { items: [], head_seq: 20 }))).toBe(true);
  });

  it("counts the texts that one has read", () => {
    expect([textsBetween(old, 0, 99), textsBetween(old, 10, 11), textsBetween(old, 12, 99)]).toEqual([3, 1, 0]);
  });
});

describe("a message", () => {
  it("has the text of its newest edit", () => {
    expect(first([textEntry(1), edited(2, 1, "b"), edited(3, 1, "c")])).toMatchObject({ text: "c", isEdited: true });
  });

  it("has no text once it is redacted, also not from edits before or after", () => {
    const row = first([textEntry(1), edited(2, 1, "b"), redacted(3, 1), edited(4, 1, "c")]);
    expect(row).toMatchObject({ text: "", isRedacted: true, reactions: [] });
  });

  it("read in its present state stays so when its changes come again", () => {
    const present = textEntry(1, { text: "c", edited_at: "2026-03-14T10:00:00.000Z", reactions: [{ emoji: "👍", users: [ME] }] });
    const row = first([present, edited(2, 1, "b"), reaction(3, 1, ME), edited(4, 1, "c")]);
    expect(row).toMatchObject({ text: "c", reactions: [{ emoji: "👍", users: [ME] }] });
  });

  it("read after its changes were heard shows them all the same", () => {
    let window = withEntries(EMPTY, [edited(7, 2, "new"), reaction(8, 2, ME)]);
    window = withOlder(window, [textEntry(2)], 50);
    expect(rowsOf(window)[0]).toMatchObject({ text: "new", reactions: [{ emoji: "👍", users: [ME] }] });
  });

  it("loses the text that a redacted edit no longer has", () => {
    expect(first([textEntry(1, { text: "a" }), edited(2, 1)])).toMatchObject({ text: "a" });
  });
});

describe("reactions", () => {
  it("hold each person once, and vanish with the last", () => {
    let groups = withReaction([], reaction(2, 1, ME));
    groups = withReaction(groups, reaction(3, 1, ME));
    groups = withReaction(groups, reaction(4, 1, OTHER));
    expect(groups).toEqual([{ emoji: "👍", users: [ME, OTHER] }]);
    groups = withReaction(groups, reaction(5, 1, ME, false));
    groups = withReaction(groups, reaction(6, 1, OTHER, false));
    expect(groups).toEqual([]);
  });
});
