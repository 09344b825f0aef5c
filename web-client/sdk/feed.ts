// Delivers the entries of each conversation once, in order of their seq and without gaps.
//
// The feed remembers only the cursors. It drops an entry at or before the cursor. An entry further than one
// after the cursor reveals a hole, which is read from history first. An entry that arrives meanwhile only
// extends the range that is read.

import type { HistoryQuery } from "./command.js";
import type { Environment } from "./environment.js";
import { isCode } from "./error.js";
import type { CursorMap, Entry, Gap, History } from "./wire.js";

export const FILL_PAGE = 100;
/** A longer hole is skipped. The user interface then shows the conversation from its head. */
export const FILL_MAX = 1_000;
const FILL_RETRY_MS = 1_000;
const FILL_ATTEMPTS_MAX = 5;

export interface FeedListener {
  entry(entry: Entry): void;
  /** The cursor moved to `head_seq` without delivering the entries in between. */
  skipped(gap: Omit<Gap, "ev">): void;
}

type ReadHistory = (conversation: string, query: HistoryQuery) => Promise<History>;

interface Fill {
  upTo: number;
  /** Failed attempts since the last success, or since more was found to be missing. */
  failures: number;
  done: Promise<void>;
}

export class Feed {
  readonly #cursors = new Map<string, number>();
  readonly #fills = new Map<string, Fill>();

  constructor(
    private readonly environment: Environment,
    private readonly readHistory: ReadHistory,
    private readonly listener: FeedListener,
  ) {}

  cursor(conversation: string): number | undefined {
    return this.#cursors.get(conversation);
  }

  cursorMap(): CursorMap {
    return Object.fromEntries(this.#cursors);
  }

  /** Sets the cursor of a conversation without one, so that everything after `seq` is delivered. */
  startAfter(conversation: string, seq: number): void {
    if (!this.#cursors.has(conversation)) this.#cursors.set(conversation, seq);
  }

  /** Sets the cursor of a new conversation. For a known one, reads the missing entries up to `seq`. */
  catchUpTo(conversation: string, seq: number): void {
    const cursor = this.#cursors.get(conversation);
    if (cursor === undefined) this.#cursors.set(conversation, seq);
    else if (seq > cursor) this.#fillUpTo(conversation, seq);
  }

  offer(entry: Entry): void {
    const cursor = this.#cursors.get(entry.conversation);
    if (cursor !== undefined && entry.seq <= cursor) return;
    if (cursor === undefined || entry.seq === cursor + 1) this.#deliver(entry);
    else this.#fillUpTo(entry.conversation, entry.seq);
  }

  gap(gap: Omit<Gap, "ev">): void {
    const cursor = this.#cursors.get(gap.conversation);
    const isBehind = cursor !== undefined && gap.head_seq > cursor;
    if (isBehind) this.#fillUpTo(gap.conversation, gap.head_seq);
    else if (cursor !== gap.head_seq) this.#skip(gap.conversation, gap.head_seq);
  }

  forget(conversation: string): void {
    this.#cursors.delete(conversation);
    this.#fills.delete(conversation);
  }

  /** Resolves when no hole is being read. */
  async settled(): Promise<void> {
    while (this.#fills.size > 0) {
      await Promise.all([...this.#fills.values()].map((fill) => fill.done));
    }
  }

  #deliver(entry: Entry): void {
    this.#cursors.set(entry.conversation, entry.seq);
    this.listener.entry(entry);
  }

  #skip(conversation: string, head_seq: number): void {
    const after_seq = this.#cursors.get(conversation) ?? 0;
    this.#cursors.set(conversation, head_seq);
    this.listener.skipped({ conversation, after_seq, head_seq });
  }

  #fillUpTo(conversation: string, seq: number): void {
    const running = this.#fills.get(conversation);
    if (running) {
      running.upTo = Math.max(running.upTo, seq);
      running.failures = 0;
      return;
    }
    const fill: Fill = { upTo: seq, failures: 0, done: Promise.resolve() };
    this.#fills.set(conversation, fill);
    fill.done = this.#fill(conversation, fill).finally(() => {
      if (this.#fills.get(conversation) === fill) this.#fills.delete(conversation);
    });
  }

  /** Reads a hole from history. Gives up after some attempts; the next hello or poll continues from the cursor. */
  async #fill(conversation: string, fill: Fill): Promise<void> {
    while (fill.failures < FILL_ATTEMPTS_MAX) {
      const after_seq = this.#cursors.get(conversation);
      if (after_seq === undefined || after_seq >= fill.upTo) return;
      if (fill.upTo - after_seq > FILL_MAX) return this.#skip(conversation, fill.upTo);
      try {
        const page = await this.readHistory(conversation, { after_seq, limit: FILL_PAGE });
        this.#deliverPage(conversation, page, fill.upTo);
        fill.failures = 0;
      } catch (error) {
        if (isCode(error, "not_found", "forbidden")) return;
        fill.failures += 1;
        await new Promise<void>((resolve) => void this.environment.after(FILL_RETRY_MS * fill.failures, resolve));
      }
    }
  }

  /** A page has no holes, but it may start later than requested, at the newest `joined` entry of this user. */
  #deliverPage(conversation: string, page: History, upTo: number): void {
    for (const entry of page.items) {
      const cursor = this.#cursors.get(conversation);
      if (cursor === undefined) return;
      if (entry.seq > cursor) this.#deliver(entry);
    }
    if (page.items.length === 0) this.#cursors.set(conversation, upTo);
  }
}
