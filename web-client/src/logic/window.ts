// The loaded part of a conversation's log, as the rows that are shown.
//
// Each page and each live entry only adds or changes rows of its own. A page of history is in its current state, so
// only the changes that arrived after it are applied to it.

import type { Entry, History } from "../../sdk/index";
import { type Change, isChange, type Row, rowsOf, withChange, withOlderRows, withRows } from "./rows";

/** Size of a page, and of the first one. */
export const PAGE = 50;
/** Enough for the changes that arrive while a page is read. */
const CHANGES_MAX = 500;

export interface Window {
  rows: readonly Row[];
  /** The seqs of the oldest and the newest loaded entry, or 0 without entries. */
  first_seq: number;
  last_seq: number;
  reachedStart: boolean;
  /** Live entries that the window does not reach yet, ascending by seq. */
  waiting: readonly Entry[];
  /** The newest live changes, for pages that were read before them. */
  changes: readonly Change[];
  /** The newest known seq. */
  head_seq: number;
}

export const EMPTY: Window = {
  rows: [], first_seq: 0, last_seq: 0, reachedStart: false, waiting: [], changes: [], head_seq: 0,
};

export function reachesHead(window: Window): boolean {
  return window.last_seq >= window.head_seq;
}

/** Adds a live entry. It changes a loaded message even if the window does not reach the entry. */
export function withLive(window: Window, entry: Entry): Window {
  const head_seq = Math.max(window.head_seq, entry.seq);
  const isNext = reachesHead(window) && isLoaded(window);
  const changed = isChange(entry) ? withLiveChange(window, entry) : window;
  if (isNext) return { ...withNext(changed, [entry]), head_seq };
  return withReachedEntries({ ...changed, waiting: [...window.waiting, entry], head_seq });
}

function withLiveChange(window: Window, change: Change): Window {
  const changes = [...window.changes.slice(1 - CHANGES_MAX), change];
  return { ...window, changes, rows: withChange(window.rows, change) };
}

/** Adds the page before the window. */
export function withOlder(window: Window, page: History): Window {
  const older = page.items.filter((entry) => entry.seq < window.first_seq);
  const rows = withOlderRows(currentRows(window, page, older), window.rows);
  const first_seq = older[0]?.seq ?? window.first_seq;
  return { ...window, rows, first_seq, reachedStart: reachesStart(page.items) };
}

/** Adds the page after the window. An empty one means that there is nothing up to the waiting entries. */
export function withNewer(window: Window, page: History): Window {
  const head_seq = Math.max(window.head_seq, page.head_seq);
  if (page.items.length > 0) return withReachedEntries(withPage({ ...window, head_seq }, page));
  const all = withNext({ ...window, waiting: [] }, window.waiting);
  return { ...all, head_seq: all.last_seq };
}

/** Replaces the window with a first page. */
export function withFirst(window: Window, page: History): Window {
  const { waiting, changes } = window;
  const head_seq = Math.max(window.head_seq, page.head_seq);
  const empty: Window = { ...EMPTY, waiting, changes, head_seq, reachedStart: reachesStart(page.items) };
  return withReachedEntries(withPage(empty, page));
}

/** Returns true if nothing precedes the page. A page may be shorter than it was asked for: then it was large. */
function reachesStart(page: Entry[]): boolean {
  return page.length === 0 || page[0]?.seq === 1;
}

function isLoaded(window: Window): boolean {
  return window.last_seq > 0 || window.reachedStart;
}

function withPage(window: Window, page: History): Window {
  const newer = page.items.filter((entry) => entry.seq > window.last_seq);
  return withNewRows(window, newer, currentRows(window, page, newer));
}

/** Adds live entries after the newest loaded one. */
function withNext(window: Window, entries: readonly Entry[]): Window {
  const newer = entries.filter((entry) => entry.seq > window.last_seq);
  return withNewRows(window, newer, rowsOf(newer));
}

function withNewRows(window: Window, newer: readonly Entry[], rows: readonly Row[]): Window {
  const first = newer[0];
  if (!first) return window;
  return {
    ...window,
    rows: rows.length > 0 ? withRows(window.rows, rows) : window.rows,
    first_seq: window.first_seq || first.seq,
    last_seq: newer.at(-1)?.seq ?? window.last_seq,
  };
}

/** Returns the rows of a page's entries, with the changes that arrived after the page was read. */
function currentRows(window: Window, page: History, entries: readonly Entry[]): readonly Row[] {
  const later = window.changes.filter((change) => change.seq > page.head_seq);
  return later.reduce(withChange, rowsOf(entries));
}

/** Moves the waiting entries into the window if it has reached them. Their changes are already applied. */
function withReachedEntries(window: Window): Window {
  const first = window.waiting[0]?.seq ?? Infinity;
  const isReached = window.last_seq > 0 ? first <= window.last_seq + 1 : window.reachedStart;
  if (first === Infinity || !isReached) return window;
  const applied = withNext({ ...window, waiting: [] }, window.waiting);
  return { ...applied, rows: window.changes.filter((change) => change.seq >= first).reduce(withChange, applied.rows) };
}
