import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConfabError } from "../../sdk/index";
import type { FoundMessage, FoundMessages, MessageQuery } from "../../sdk/search";
import { isSameQuery, NO_FILTERS, queryOf } from "../../src/components/search/filters";
import { MessageSearch, PAUSE_MS, type SearchResults } from "../../src/components/search/message_search";
import { snippetOf } from "../../src/components/search/snippet";
import { C, ME, textEntry } from "../sdk/gateway";

interface Asked {
  query: MessageQuery;
  cursor: string | undefined;
  signal: AbortSignal;
  answer: (page: FoundMessages) => Promise<unknown>;
  fail: (error: unknown) => Promise<unknown>;
}

let asked: Asked[];
let shown: SearchResults;
let search: MessageSearch;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  const find = (query: MessageQuery, cursor: string | undefined, signal: AbortSignal) =>
    new Promise<FoundMessages>((resolve, reject) => {
      const then = (work: () => void) => (work(), vi.advanceTimersByTimeAsync(0));
      asked.push({ query, cursor, signal, answer: (page) => then(() => resolve(page)), fail: (error) => then(() => reject(error)) });
    });
  search = new MessageSearch(find, (results) => (shown = results));
});
afterEach(() => vi.useRealTimers());

const found = (seq: number): FoundMessage => ({ conversation: C, entry: textEntry(seq), highlights: [] });
const seqs = () => shown.items.map(({ entry }) => entry.seq);
const pause = () => vi.advanceTimersByTimeAsync(PAUSE_MS);
const limited = (retry_after_ms: number) => new ConfabError({ code: "rate_limited", message: "", retryable: true, retry_after_ms });

describe("search while typing", () => {
  it("only the last query is sent after a pause", async () => {
    for (const q of ["t", "te", "tea"]) {
      search.search({ q });
      await vi.advanceTimersByTimeAsync(PAUSE_MS - 1);
    }
    await pause();
    expect(asked.map(({ query }) => query.q)).toEqual(["tea"]);
    expect(shown.status).toBe("loading");
  });

  it("answer to an earlier query is dropped, and its request is ended", async () => {
    search.search({ q: "tea" });
    await pause();
    search.search({ q: "cake" });
    expect(asked[0]!.signal.aborted).toBe(true);
    await pause();
    await asked[1]!.answer({ items: [found(2)] });
    await asked[0]!.answer({ items: [found(1)], next_cursor: "x" });
    expect([seqs(), shown.status, shown.hasMore]).toEqual([[2], "ready", false]);
  });

  it("earlier results stay until the answer, and go without a query", async () => {
    search.search({ q: "tea" });
    await pause();
    await asked[0]!.answer({ items: [found(1)] });
    search.search({ q: "teas" });
    expect([seqs(), shown.status]).toEqual([[1], "loading"]);
    search.search(undefined);
    await pause();
    expect([seqs(), shown.status, asked.length]).toEqual([[], "idle", 1]);
  });

  it("pages are read one at a time, past an empty page", async () => {
    search.search({ q: "tea" });
    await pause();
    await asked[0]!.answer({ items: [found(9)], next_cursor: "a" });
    search.more();
    search.more();
    expect(asked.map(({ cursor }) => cursor)).toEqual([undefined, "a"]);
    await asked[1]!.answer({ items: [], next_cursor: "b" });
    expect(asked[2]!.cursor).toBe("b");
    await asked[2]!.answer({ items: [found(3)] });
    search.more();
    expect([seqs(), shown.status, shown.hasMore, asked.length]).toEqual([[9, 3], "ready", false, 3]);
  });

  it("failed page is repeated on demand and keeps what was found", async () => {
    search.search({ q: "tea" });
    await pause();
    await asked[0]!.answer({ items: [found(9)], next_cursor: "a" });
    search.more();
    await asked[1]!.fail(new Error("broken"));
    expect([seqs(), shown.status]).toEqual([[9], "failed"]);
    search.retry();
    expect(asked[2]!.cursor).toBe("a");
    await asked[2]!.answer({ items: [found(3)] });
    expect([seqs(), shown.status]).toEqual([[9, 3], "ready"]);
  });

  it("limited search waits for a moment, but not for long", async () => {
    search.search({ q: "tea" });
    await pause();
    await asked[0]!.fail(limited(2_000));
    expect([shown.status, asked.length]).toEqual(["loading", 1]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(asked.length).toBe(2);
    await asked[1]!.fail(limited(60_000));
    expect(shown.status).toBe("failed");
  });
});

describe("query of the filters", () => {
  const sender = { id: ME, username: "ada" };

  it("nothing to look for is no query", () => {
    expect(queryOf("  ", NO_FILTERS, C)).toBeUndefined();
    expect(queryOf("", { ...NO_FILTERS, since: "2026-03-14" })).toBeUndefined();
  });

  it("filters are parts of the query, and days are whole", () => {
    const query = queryOf(" tea ", { sender, has: "link", since: "2026-03-14", until: "2026-03-14" }, C);
    expect(query).toMatchObject({ q: "tea", conversation: C, sender: ME, has: "link" });
    const midnight = new Date(2026, 2, 14);
    expect([query?.after, query?.before]).toEqual([new Date(midnight.getTime() - 1), new Date(2026, 2, 15)]);
  });

  it("person alone is enough, and an invalid date is ignored", () => {
    expect(queryOf("", { ...NO_FILTERS, sender, since: "2026-03-99" })).toEqual({ sender: ME, limit: 30 });
  });

  it("long text is cut between characters", () => {
    expect(queryOf("é".repeat(200), NO_FILTERS)?.q).toBe("é".repeat(128));
    expect(queryOf(`a${"🎉".repeat(100)}`, NO_FILTERS)?.q).toBe(`a${"🎉".repeat(63)}`);
  });

  it("spaces around the words make no other query", () => {
    expect(isSameQuery(queryOf("tea", NO_FILTERS), queryOf("tea ", NO_FILTERS))).toBe(true);
    expect(isSameQuery(queryOf("tea", NO_FILTERS), queryOf("tea", NO_FILTERS, C))).toBe(false);
  });
});

describe("snippet", () => {
  const marked = (text: string, highlights: number[][]) => snippetOf(text, highlights).map((it) => (it.isFound ? `[${it.text}]` : it.text)).join("");

  it("found words are marked", () => {
    expect(marked("Tea, more tea", [[0, 3], [10, 13]])).toBe("[Tea], more [tea]");
    expect(marked("No words", [])).toBe("No words");
  });

  it("long text is cut at a word before the first place", () => {
    const text = `${"word ".repeat(20)}tea${" after".repeat(60)}`;
    const shown = marked(text, [[100, 103], [380, 385]]);
    expect(shown).toMatch(/^…word (word )+\[tea\] after/);
    expect(shown).toMatch(/…$/);
    expect(shown.length).toBeLessThan(200);
  });

  it("no character is cut in half", () => {
    for (let before = 40; before < 44; before += 1) {
      const text = `${"🎉".repeat(before)}${"x".repeat(before % 2)}tea${"🎉".repeat(120)}`;
      const at = text.indexOf("tea");
      const parts = snippetOf(text, [[at, at + 3]]);
      expect(() => encodeURIComponent(parts.map((it) => it.text).join(""))).not.toThrow(); // it throws for half a pair
      expect(parts.find((it) => it.isFound)?.text).toBe("tea");
    }
  });

  it("places outside of the text or out of order do no harm", () => {
    expect(marked("tea", [[2, 99], [1, 2]])).toBe("te[a]");
  });
});
