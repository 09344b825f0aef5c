import { beforeEach, describe, expect, it, vi } from "vitest";
import { Unreachable } from "../../sdk/error";
import { Feed, FILL_MAX } from "../../sdk/feed";
import type { Entry, History } from "../../sdk/wire";
import { C, FakeGateway, OTHER, settle, textEntry } from "./gateway";

let delivered: number[];
let skips: object[];
let requested: object[];
let log: Entry[];
let answer: (after_seq: number) => Promise<History>;
let feed: Feed;

beforeEach(() => {
  vi.useFakeTimers();
  delivered = [];
  skips = [];
  requested = [];
  log = [];
  answer = async (after_seq) => ({
    items: log.filter((entry) => entry.seq > after_seq).slice(0, 100),
    head_seq: log.length,
  });
  feed = new Feed(
    new FakeGateway().environment(),
    (conversation, query) => {
      requested.push({ conversation, ...query });
      return answer("after_seq" in query ? query.after_seq : 0);
    },
    { entry: (entry) => delivered.push(entry.seq), skipped: (gap) => skips.push(gap) },
  );
});

const fillLog = (count: number) => (log = Array.from({ length: count }, (_, at) => textEntry(at + 1)));

describe("feed", () => {
  it("feed delivers each entry after the cursor once", () => {
    feed.catchUpTo(C, 4);
    for (const seq of [5, 5, 4, 6, 5]) feed.offer(textEntry(seq));
    expect(delivered).toEqual([5, 6]);
    expect(feed.cursorMap()).toEqual({ [C]: 6 });
  });

  it("feed starts a new conversation at its first entry", () => {
    feed.offer(textEntry(7));
    feed.offer(textEntry(8));
    expect(delivered).toEqual([7, 8]);
  });

  it("feed reads a hole from history before later entries", async () => {
    fillLog(9);
    feed.catchUpTo(C, 4);
    feed.offer(textEntry(8));
    feed.offer(textEntry(9));
    expect(delivered).toEqual([]);
    await feed.settled();
    expect(delivered).toEqual([5, 6, 7, 8, 9]);
    expect(requested).toEqual([{ conversation: C, after_seq: 4, limit: 100 }]);
  });

  it("feed continues reading when entries arrive during a fill", async () => {
    fillLog(6);
    feed.catchUpTo(C, 4);
    feed.offer(textEntry(6));
    fillLog(8);
    feed.offer(textEntry(7));
    feed.offer(textEntry(8));
    await feed.settled();
    expect(delivered).toEqual([5, 6, 7, 8]);
  });

  it("feed fills a gap event page by page", async () => {
    fillLog(250);
    feed.catchUpTo(C, 10);
    feed.gap({ conversation: C, after_seq: 10, head_seq: 250 });
    await feed.settled();
    expect(delivered).toEqual(log.slice(10).map((entry) => entry.seq));
    expect(requested).toHaveLength(3);
  });

  it("feed skips to the head when a gap is too long", async () => {
    feed.catchUpTo(C, 10);
    feed.gap({ conversation: C, after_seq: 10, head_seq: 11 + FILL_MAX });
    await feed.settled();
    expect(skips).toEqual([{ conversation: C, after_seq: 10, head_seq: 11 + FILL_MAX }]);
    expect(feed.cursor(C)).toBe(11 + FILL_MAX);
    expect(requested).toEqual([]);
  });

  it("feed moves the cursor back when the log is shorter", () => {
    feed.catchUpTo(C, 10);
    feed.gap({ conversation: C, after_seq: 6, head_seq: 6 });
    expect(feed.cursor(C)).toBe(6);
    expect(skips).toHaveLength(1);
  });

  it("feed continues at a new join without a hole", async () => {
    const joined: Entry = { ...textEntry(20), kind: "joined", user: OTHER, role: "member" };
    log = [joined, textEntry(21)];
    feed.catchUpTo(C, 4);
    feed.offer(joined);
    feed.offer(textEntry(21));
    await feed.settled();
    expect(delivered).toEqual([20, 21]);
  });

  it("feed retries when history cannot be read", async () => {
    fillLog(7);
    feed.catchUpTo(C, 4);
    const working = answer;
    answer = () => Promise.reject(new Error("no connection"));
    feed.offer(textEntry(7));
    await settle();
    answer = working;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(delivered).toEqual([5, 6, 7]);
  });

  it("feed keeps the cursor when it gives up, and continues later", async () => {
    fillLog(8);
    feed.catchUpTo(C, 4);
    const working = answer;
    answer = () => Promise.reject(new Error("no connection"));
    feed.offer(textEntry(7));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(feed.cursor(C)).toBe(4);
    answer = working;
    feed.offer(textEntry(8));
    await feed.settled();
    expect(delivered).toEqual([5, 6, 7, 8]);
  });

  it("feed forgets a removed conversation during a fill", async () => {
    fillLog(7);
    feed.catchUpTo(C, 4);
    feed.offer(textEntry(7));
    feed.forget(C);
    await settle();
    expect(delivered).toEqual([]);
    expect(feed.cursorMap()).toEqual({});
  });

  it("hole that is found again during the last pause of a failing read is read", async () => {
    fillLog(6);
    const works = answer;
    answer = () => Promise.reject(new Unreachable("offline"));
    feed.catchUpTo(C, 2);
    feed.offer(textEntry(6));
    await vi.advanceTimersByTimeAsync(12_000); // the fifth attempt has failed after 10 s
    answer = works;
    feed.catchUpTo(C, 6);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(delivered).toEqual([3, 4, 5, 6]);
  });
});
