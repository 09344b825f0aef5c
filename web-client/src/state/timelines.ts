// The loaded windows of opened conversations. Components read the rows as plain values, because a store would wrap
// each of many thousand rows.

import { createSignal, type Signal } from "solid-js";
import type { Client, Entry } from "../../sdk/index";
import { keyOfMessage } from "../logic/pending";
import { isChange, textsBetween } from "../logic/rows";
import { EMPTY, PAGE, reachesHead, type Window, withFirst, withLive, withNewer, withOlder } from "../logic/window";
import { createTriggers } from "./triggers";

export interface Timeline {
  window: Window;
  status: "loading" | "ready" | "failed";
  /** Changes when the window is replaced, so that its rows have nothing in common with the earlier ones. */
  generation: number;
}

/** Where the user has scrolled to: a row, and how far its top is above the top of the view. */
export interface Place {
  seq: number;
  above_px: number;
}

/** A message that the user has asked to see. */
export interface Wanted {
  conversation: string;
  seq: number;
}

const PAGE_WHILE_SCROLLING = 100;
const PAGES_OF_NOTICES_MAX = 20;

export function createTimelines(client: Client) {
  const signals = new Map<string, Signal<Timeline | undefined>>();
  /** Fired when a message is edited or redacted, by conversation and seq. */
  const changed = createTriggers();
  /** The message to show as soon as its conversation is open. */
  const [wanted, want] = createSignal<Wanted>();
  const places = new Map<string, Place>();
  const reading = new Set<string>();
  let generations = 0;

  function signalOf(id: string): Signal<Timeline | undefined> {
    const known = signals.get(id) ?? createSignal<Timeline | undefined>();
    signals.set(id, known);
    return known;
  }

  const of = (id: string): Timeline | undefined => signalOf(id)[0]();
  const set = (id: string, timeline: Timeline | undefined) => signalOf(id)[1](timeline);
  const windowOf = (id: string): Window | undefined => of(id)?.window;

  function show(id: string, window: Window): void {
    const known = of(id);
    if (known) set(id, { ...known, window });
  }

  /**
   * Loads the newest page, or the pages from the first unread entry, at `unread`, to the first unread message. Does
   * nothing if the window already reaches the head.
   */
  async function open(id: string, unread?: number): Promise<void> {
    const known = of(id);
    if (known?.status === "loading" || (known?.status === "ready" && (reachesHead(known.window) || places.has(id)))) return;
    const { waiting, changes, head_seq } = known?.window ?? EMPTY;
    set(id, { window: { ...EMPTY, waiting, changes, head_seq }, status: "loading", generation: ++generations });
    try {
      await load(id, unread);
      if (unread !== undefined) await readToMessage(id, unread);
      const current = of(id);
      if (current) set(id, { ...current, status: "ready", generation: ++generations });
    } catch {
      const current = of(id);
      if (current) set(id, { ...current, status: "failed" });
    }
  }

  /** Replaces the window with the newest page, or with the page around `at`, and shows it. */
  async function jumpTo(id: string, at?: number): Promise<void> {
    await load(id, at);
    const known = of(id);
    if (known) set(id, { ...known, status: "ready", generation: ++generations });
  }

  async function load(id: string, at?: number): Promise<void> {
    const page = await client.history(id, at === undefined ? { limit: PAGE } : { around_seq: at, limit: PAGE });
    const known = of(id);
    if (!known) return;
    places.delete(id);
    show(id, withFirst(known.window, page));
  }

  /** Reads further pages until there is a message at or after `seq`. A new group may have many notices before it. */
  async function readToMessage(id: string, seq: number): Promise<void> {
    for (let pages = 0; pages < PAGES_OF_NOTICES_MAX; pages += 1) {
      const window = windowOf(id);
      if (!window || reachesHead(window) || textsBetween(window.rows, seq - 1, Infinity) > 0) return;
      const page = await client.history(id, { after_seq: window.last_seq, limit: PAGE_WHILE_SCROLLING });
      const current = windowOf(id);
      if (current) show(id, withNewer(current, page));
    }
  }

  /** Loads the page before the window. `around` wraps the update, so that the caller can keep the scroll position. */
  async function older(id: string, around: (put: () => void) => void): Promise<void> {
    if (windowOf(id)?.reachedStart) return;
    await grow(id, async (window) => {
      const page = await client.history(id, { before_seq: window.first_seq, limit: PAGE_WHILE_SCROLLING });
      return (current) => around(() => show(id, withOlder(current, page)));
    });
  }

  /** Loads the page after the window. */
  async function newer(id: string): Promise<void> {
    const known = windowOf(id);
    if (!known || reachesHead(known)) return;
    await grow(id, async (window) => {
      const page = await client.history(id, { after_seq: window.last_seq, limit: PAGE_WHILE_SCROLLING });
      return (current) => show(id, withNewer(current, page));
    });
  }

  /** Loads one page at a time. Drops the page if the window was replaced in the meantime. */
  async function grow(id: string, read: (window: Window) => Promise<(current: Window) => void>): Promise<void> {
    const known = of(id);
    if (known?.status !== "ready" || reading.has(id)) return;
    reading.add(id);
    try {
      const put = await read(known.window);
      const current = of(id);
      if (current?.generation === known.generation) put(current.window);
    } catch {
      // the next scroll event retries
    } finally {
      reading.delete(id);
    }
  }

  function applyEntry(entry: Entry): void {
    const window = windowOf(entry.conversation);
    if (window) show(entry.conversation, withLive(window, entry));
    if (!isChange(entry) || entry.kind === "reaction") return;
    changed.fire(keyOfMessage(entry.conversation, entry.target_seq));
  }

  function drop(id: string): void {
    set(id, undefined);
    places.delete(id);
  }

  return {
    of,
    open,
    jumpTo,
    older,
    newer,
    applyEntry,
    drop,
    wanted,
    want,
    rows: (id: string): Window["rows"] => windowOf(id)?.rows ?? EMPTY.rows,
    trackChanges: (id: string, seq: number): void => changed.track(keyOfMessage(id, seq)),
    texts: (id: string, after: number, upTo: number) => textsBetween(windowOf(id)?.rows ?? [], after, upTo),
    /** Where the user was when the conversation was last closed, or undefined if they were at its end. */
    placeOf: (id: string): Place | undefined => places.get(id),
    keepPlace: (id: string, place: Place | undefined) => void (place ? places.set(id, place) : places.delete(id)),
  };
}
