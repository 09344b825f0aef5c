// The loaded windows of the conversations that were opened, and the rows that they show.

import { createStore, produce, reconcile } from "solid-js/store";
import type { Client, Entry } from "../../sdk";
import { EMPTY, firstSeq, lastSeq, PAGE, type Row, rowsOf, type Window, withEntries, withOlder } from "../logic/window";

export interface Timeline {
  rows: Row[];
  status: "loading" | "ready" | "failed";
  reachedStart: boolean;
  last_seq: number;
}

export function createTimelines(client: Client) {
  const [state, set] = createStore<Record<string, Timeline>>({});
  const windows = new Map<string, Window>();
  const reading = new Set<string>();

  function show(id: string, window: Window): void {
    windows.set(id, window);
    set(id, "rows", reconcile(rowsOf(window), { key: "seq" }));
    set(id, { reachedStart: window.reachedStart, last_seq: lastSeq(window) });
  }

  /** Loads the newest page, if it is not there. */
  async function open(id: string): Promise<void> {
    if (windows.has(id) && state[id]?.status !== "failed") return;
    windows.set(id, EMPTY);
    set(id, { rows: [], status: "loading", reachedStart: false, last_seq: 0 });
    try {
      const page = await client.history(id, { limit: PAGE });
      const window = windows.get(id);
      if (!window) return;
      show(id, withOlder(window, page.items, PAGE));
      set(id, "status", "ready");
    } catch {
      if (state[id]) set(id, "status", "failed");
    }
  }

  /** Brings the page before the window; `around` wraps the moment in which it is put in. */
  async function older(id: string, around: (put: () => void) => void): Promise<void> {
    const window = windows.get(id);
    if (!window || window.reachedStart || reading.has(id) || state[id]?.status !== "ready") return;
    reading.add(id);
    try {
      const page = await client.history(id, { before_seq: firstSeq(window), limit: PAGE });
      const current = windows.get(id);
      if (current) around(() => show(id, withOlder(current, page.items, PAGE)));
    } catch {
      // the next scroll asks again
    } finally {
      reading.delete(id);
    }
  }

  function take(entry: Entry): void {
    const window = windows.get(entry.conversation);
    if (window) show(entry.conversation, withEntries(window, [entry]));
  }

  function drop(id: string): void {
    windows.delete(id);
    set(produce((all) => void delete all[id]));
  }

  return { state, open, older, take, drop, isLoaded: (id: string) => windows.has(id) };
}
