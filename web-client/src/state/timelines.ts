// The loaded windows of opened conversations, and their rows.

import { batch } from "solid-js";
import { createStore, produce, reconcile } from "solid-js/store";
import type { Client, Entry } from "../../sdk";
import {
  EMPTY, firstSeq, lastSeq, PAGE, reachesHead, type Row, rowsOf, textsBetween, type Window, withFirst, withLive, withNewer, withOlder,
} from "../logic/window";

export interface Timeline {
  rows: Row[];
  status: "loading" | "ready" | "failed";
  reachedStart: boolean;
  reachedEnd: boolean;
  last_seq: number;
}

export function createTimelines(client: Client) {
  const [state, set] = createStore<Record<string, Timeline>>({});
  /** How often each message was edited or redacted while this page was connected, by conversation and seq. */
  const [changes, setChanges] = createStore<Record<string, number>>({});
  const windows = new Map<string, Window>();
  const reading = new Set<string>();

  function show(id: string, window: Window): void {
    windows.set(id, window);
    set(id, "rows", reconcile(rowsOf(window), { key: "seq" }));
    set(id, { reachedStart: window.reachedStart, reachedEnd: reachesHead(window), last_seq: lastSeq(window) });
  }

  /** Loads the newest page, or the page around `at`. Does nothing if the window already reaches the head. */
  async function open(id: string, at?: number): Promise<void> {
    const known = windows.get(id);
    if (known && state[id]?.status !== "failed" && (state[id]?.status === "loading" || reachesHead(known))) return;
    windows.set(id, { ...EMPTY, waiting: known?.waiting ?? [], head_seq: known?.head_seq ?? 0 });
    set(id, { rows: [], status: "loading", reachedStart: false, reachedEnd: false, last_seq: 0 });
    try {
      await load(id, at);
    } catch {
      if (state[id]) set(id, "status", "failed");
    }
  }

  /** Replaces the window with the newest page, or with the page around `at`. */
  async function load(id: string, at?: number): Promise<void> {
    const page = await client.history(id, at === undefined ? { limit: PAGE } : { around_seq: at, limit: PAGE });
    const window = windows.get(id);
    if (!window) return;
    batch(() => {
      show(id, withFirst(window, page));
      set(id, "status", "ready");
    });
  }

  /** Loads the page before the window. `around` wraps the update, so that the caller can keep the scroll position. */
  async function older(id: string, around: (put: () => void) => void): Promise<void> {
    if (windows.get(id)?.reachedStart) return;
    await grow(id, async (window) => {
      const page = await client.history(id, { before_seq: firstSeq(window), limit: PAGE });
      return (current) => around(() => show(id, withOlder(current, page.items)));
    });
  }

  /** Loads the page after the window. */
  async function newer(id: string): Promise<void> {
    const known = windows.get(id);
    if (!known || reachesHead(known)) return;
    await grow(id, async (window) => {
      const page = await client.history(id, { after_seq: lastSeq(window), limit: PAGE });
      return (current) => show(id, withNewer(current, page));
    });
  }

  /** Loads one page at a time. Drops the page if the window was replaced in the meantime. */
  async function grow(id: string, read: (window: Window) => Promise<(current: Window) => void>): Promise<void> {
    const window = windows.get(id);
    if (!window || reading.has(id) || state[id]?.status !== "ready") return;
    reading.add(id);
    try {
      const put = await read(window);
      const current = windows.get(id);
      if (current && firstSeq(current) === firstSeq(window)) put(current);
    } catch {
      // the next scroll event retries
    } finally {
      reading.delete(id);
    }
  }

  function applyEntry(entry: Entry): void {
    const window = windows.get(entry.conversation);
    if (window) show(entry.conversation, withLive(window, entry));
    if (entry.kind !== "edited" && entry.kind !== "redacted") return;
    setChanges(changeKey(entry.conversation, entry.target_seq), (count = 0) => count + 1);
  }

  function drop(id: string): void {
    windows.delete(id);
    set(produce((all) => void delete all[id]));
  }

  return {
    state,
    open,
    load,
    older,
    newer,
    applyEntry,
    drop,
    isLoaded: (id: string) => windows.has(id),
    changesOf: (id: string, seq: number): number => changes[changeKey(id, seq)] ?? 0,
    texts: (id: string, after: number, upTo: number) => textsBetween(windows.get(id) ?? EMPTY, after, upTo),
  };
}

const changeKey = (conversation: string, seq: number): string => `${conversation}/${seq}`;
