// Searches messages while the user types: after a pause, with one request at a time. An answer to an earlier query is dropped.

import { ConfabError } from "../../../sdk/index";
import type { FoundMessage, FoundMessages, MessageQuery } from "../../../sdk/search";

/** What a search has found up to now. */
export interface SearchResults {
  status: "idle" | "loading" | "ready" | "failed";
  /** While the first page of a query is read, those of the query before. */
  items: readonly FoundMessage[];
  hasMore: boolean;
  error?: unknown;
}

export type FindPage = (query: MessageQuery, cursor: string | undefined, signal: AbortSignal) => Promise<FoundMessages>;

export const NO_RESULTS: SearchResults = { status: "idle", items: [], hasMore: false };
/** How long the user must not have typed. */
export const PAUSE_MS = 250;
/** A search that the server limits for longer fails. */
const LIMITED_MAX_MS = 5_000;

export class MessageSearch {
  #query: MessageQuery | undefined;
  #cursor: string | undefined;
  #results = NO_RESULTS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = new AbortController();

  constructor(
    private readonly findPage: FindPage,
    private readonly report: (results: SearchResults) => void,
  ) {}

  /** Starts a search after a pause, and ends the one before. Without a query, nothing is found. */
  search(query: MessageQuery | undefined): void {
    this.stop();
    this.#query = query;
    this.#cursor = undefined;
    if (!query) return this.#set(NO_RESULTS);
    this.#set({ status: "loading", items: this.#results.items, hasMore: false });
    this.#timer = setTimeout(() => void this.#read([]), PAUSE_MS);
  }

  /** Reads the next page, unless a page is being read. */
  more(): void {
    if (this.#results.status !== "ready" || !this.#results.hasMore) return;
    this.#continue();
  }

  /** Repeats the page that could not be read. */
  retry(): void {
    if (this.#results.status === "failed") this.#continue();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#running.abort();
    this.#running = new AbortController();
  }

  #continue(): void {
    const { items } = this.#results;
    this.#set({ status: "loading", items, hasMore: false });
    void this.#read(items);
  }

  /** Reads pages until one has messages: a page may be empty although there are more. */
  async #read(before: readonly FoundMessage[]): Promise<void> {
    const { signal } = this.#running;
    try {
      let items = before;
      do {
        const page = await this.#page(signal);
        if (signal.aborted) return;
        items = [...items, ...page.items];
        this.#cursor = page.next_cursor;
      } while (items.length === before.length && this.#cursor !== undefined);
      this.#set({ status: "ready", items, hasMore: this.#cursor !== undefined });
    } catch (error) {
      if (!signal.aborted) this.#set({ status: "failed", items: before, hasMore: false, error });
    }
  }

  /** Returns a page. If the server limits the rate for a moment, waits and repeats the call. */
  async #page(signal: AbortSignal): Promise<FoundMessages> {
    for (;;) {
      try {
        return await this.findPage(this.#query ?? {}, this.#cursor, signal);
      } catch (error) {
        const wait_ms = error instanceof ConfabError && error.code === "rate_limited" ? (error.retryAfterMs ?? 1_000) : Infinity;
        if (wait_ms > LIMITED_MAX_MS || signal.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait_ms));
        if (signal.aborted) throw error;
      }
    }
  }

  #set(results: SearchResults): void {
    this.#results = results;
    this.report(results);
  }
}
