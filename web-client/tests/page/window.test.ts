import { describe, expect, it } from "vitest";
import type { Entry, EntryOf } from "../../sdk/index";
import { type MessageRow, messageAt, textsBetween, withReaction } from "../../src/logic/rows";
import { EMPTY, reachesHead, type Window, withFirst, withLive, withNewer, withOlder } from "../../src/logic/window";
import { ME, OTHER, textEntry } from "../sdk/gateway";

const { kind: _, text: __, ...base } = textEntry(1);
const edited = (seq: number, target_seq: number, text?: string): Entry =>
  ({ ...base, seq, kind: "edited", target_seq, ...(text === undefined ? {} : { text }) });
const redacted = (seq: number, target_seq: number): Entry => ({ ...base, seq, kind: "redacted", target_seq });
const reaction = (seq: number, target_seq: number, sender: string, on = true): EntryOf<"reaction"> =>
  ({ ...base, seq, sender, kind: "reaction", target_seq, emoji: "👍", on });

const pageOf = (items: Entry[], head_seq = items.at(-1)?.seq ?? 0) => ({ items, head_seq });
const page = (from: number, to: number, head_seq: number) =>
  pageOf(Array.from({ length: to - from + 1 }, (_, at) => textEntry(from + at)), head_seq);
const seqs = (window: Window) => window.rows.map((row) => row.seq);
/** Returns the first row after the entries have arrived one after the other. */
const first = (entries: Entry[]) => entries.reduce(withLive, withFirst(EMPTY, pageOf([]))).rows[0] as MessageRow;

describe("window", () => {
  it("window keeps entries in order and once", () => {
    let window = withFirst(EMPTY, page(5, 6, 8));
    window = withNewer(window, page(6, 8, 8));
    window = withOlder(window, page(3, 5, 8));
    window = withLive(withLive(window, textEntry(8)), textEntry(9));
    expect(seqs(window)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect([window.first_seq, window.last_seq, window.reachedStart]).toEqual([3, 9, false]);
  });

  it("window recognises the start of the log", () => {
    const window = withFirst(EMPTY, page(8, 9, 9));
    expect(withOlder(window, page(1, 7, 9)).reachedStart).toBe(true);
    expect(withOlder(window, page(7, 7, 9)).reachedStart).toBe(false);
    expect(withOlder(window, pageOf([])).reachedStart).toBe(true);
  });

  it("rows contain texts and notices, not changes", () => {
    const joined: Entry = { ...base, seq: 2, kind: "joined", user: ME, role: "member" };
    const unknown: Entry = { ...base, seq: 4, kind: "unknown" };
    const window = withFirst(EMPTY, pageOf([textEntry(1), joined, edited(3, 1, "new"), unknown]));
    expect(window.rows.map((row) => [row.kind, row.seq])).toEqual([["message", 1], ["notice", 2]]);
    expect(window.last_seq).toBe(4);
  });

  it("live entry leaves the other rows as they are", () => {
    const window = withFirst(EMPTY, page(1, 50, 50));
    const next = withLive(withLive(window, textEntry(51)), edited(52, 3, "new"));
    const changed = next.rows.filter((row, at) => row !== window.rows[at]);
    expect(changed.map((row) => row.seq)).toEqual([3, 51]);
  });

  it("older page leaves the rows after it as they are", () => {
    const window = withFirst(EMPTY, page(101, 150, 150));
    expect(withOlder(window, page(1, 100, 150)).rows.slice(100)).toEqual(window.rows);
    expect(withOlder(window, page(1, 100, 150)).rows.slice(100).every((row, at) => row === window.rows[at])).toBe(true);
  });
});

describe("window before the head", () => {
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
    expect([window.last_seq, reachesHead(window)]).toEqual([16, false]);
    window = withNewer(window, page(17, 20, 22));
    expect([seqs(window).slice(-3), reachesHead(window), window.waiting]).toEqual([[20, 21, 22], true, []]);
    expect(withLive(window, textEntry(23)).last_seq).toBe(23);
  });

  it("waiting changes apply to rows of the window", () => {
    expect(withLive(old, edited(21, 11, "new")).rows[1]).toMatchObject({ seq: 11, text: "new" });
    expect(withLive(old, textEntry(21)).rows).toHaveLength(3);
  });

  it("waiting change applies to a waiting text when the window reaches both", () => {
    const waiting = [textEntry(21), edited(22, 21, "new")].reduce(withLive, old);
    expect(messageAt(withNewer(waiting, page(13, 20, 22)).rows, 21)).toMatchObject({ text: "new", isEdited: true });
  });

  it("entries that arrived before the first page are kept", () => {
    const early = withLive(withLive(EMPTY, textEntry(20)), textEntry(21));
    expect(seqs(withFirst(early, page(18, 20, 20)))).toEqual([18, 19, 20, 21]);
    expect(seqs(withFirst(early, pageOf([], 21)))).toEqual([20, 21]);
    expect(withFirst(early, page(5, 7, 20))).toMatchObject({ head_seq: 21, waiting: [{ seq: 20 }, { seq: 21 }] });
  });

  it("window ends where history has no more entries", () => {
    expect(reachesHead(withNewer(old, pageOf([], 20)))).toBe(true);
  });

  it("texts between two seqs are counted without redacted ones", () => {
    const { rows } = withLive(old, redacted(21, 11));
    expect([textsBetween(rows, 0, 99), textsBetween(rows, 9, 10), textsBetween(rows, 12, 99)]).toEqual([2, 1, 0]);
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

  it("message of a page has the changes that arrived after the page was read, and no earlier ones", () => {
    const window = [edited(7, 2, "new"), reaction(8, 2, ME)].reduce(withLive, withFirst(EMPTY, page(5, 6, 6)));
    const older = withOlder(window, pageOf([textEntry(2)], 6));
    expect(older.rows[0]).toMatchObject({ text: "new", reactions: [{ emoji: "👍", users: [ME] }] });
    expect(withOlder(window, pageOf([textEntry(2, { text: "newest" })], 9)).rows[0]).toMatchObject({ text: "newest", reactions: [] });
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
