// The list of conversations. It is read page by page, and updated by entries, receipts and events.

import { batch, createEffect, createMemo, createSignal, on, onCleanup } from "solid-js";
import { createStore, produce, reconcile, unwrap } from "solid-js/store";
import { type Client, type Conversation, type Entry, isCode, type Receipt } from "../../sdk/index";
import { byActivity, isRequest, unreadConversations, withDetails, withEntry, withOwnReceipt, withRead } from "../logic/conversations";

const LIST_PAGE = 50;
const REQUESTS_PAGE = 100;
const RECOUNT_MS = 3_000;

export interface Listing {
  byId: Record<string, Conversation>;
  status: "loading" | "ready" | "failed";
  next_cursor?: string | undefined;
  /** True if there are more requests than those in `byId`. */
  hasMoreRequests: boolean;
}

export function createConversations(client: Client, me: string) {
  const [state, set] = createStore<Listing>({ byId: {}, status: "loading", hasMoreRequests: false });
  const sorted = createMemo(() => Object.values(state.byId).sort(byActivity));
  /** Conversations that the user is leaving. */
  const [hidden, setHiddenIds] = createSignal<ReadonlySet<string>>(new Set());
  const open = createMemo(() => sorted().filter((it) => !isRequest(it) && !hidden().has(it.id)));
  const requests = createMemo(() => sorted().filter(isRequest));
  const unreadLoaded = createMemo(() => unreadConversations(Object.values(state.byId)));
  /** How many unread conversations are not in the list yet, by the totals of the server. */
  const [unreadElsewhere, setUnreadElsewhere] = createSignal(0);
  let recounting: ReturnType<typeof setTimeout> | undefined;
  let isReading = false;
  const running = new Map<string, Promise<Conversation | "missing" | undefined>>();

  const get = (id: string): Conversation | undefined => state.byId[id];
  const put = (conversation: Conversation) => set("byId", conversation.id, reconcile(conversation));

  function upsert(details: Conversation): void {
    const known = state.byId[details.id];
    put(withDetails(known && unwrap(known), details));
    client.receiptKnown(details);
    if (details.unread > 0 && !isRequest(details)) client.delivered(details.id, details.head_seq);
  }

  const countElsewhere = (unread: number) => setUnreadElsewhere(Math.max(0, unread - unreadLoaded()));

  // An event can add a conversation to the list that the totals have counted already, so they are read again.
  createEffect(on(unreadLoaded, () => {
    if (unreadElsewhere() > 0) recounting ??= setTimeout(() => void recount(), RECOUNT_MS);
  }, { defer: true }));
  onCleanup(() => clearTimeout(recounting));

  async function recount(): Promise<void> {
    recounting = undefined;
    try {
      const { totals } = await client.rest.conversations(undefined, 1);
      if (totals) countElsewhere(totals.unread_conversations);
    } catch {
      // the next page that is read brings totals too
    }
  }

  /** Reads one page, and returns the ids on it, or undefined if it could not be read. */
  async function readPage(cursor: string | undefined): Promise<string[] | undefined> {
    try {
      const page = await client.rest.conversations(cursor, LIST_PAGE);
      batch(() => {
        page.items.forEach(upsert);
        set({ status: "ready", next_cursor: page.next_cursor });
        if (page.totals) countElsewhere(page.totals.unread_conversations);
      });
      return page.items.map(({ id }) => id);
    } catch {
      if (state.status === "loading") set("status", "failed");
      return undefined;
    }
  }

  /** Reads as many conversations again as are loaded. They may have been read elsewhere, also those further down the list. */
  async function readLoadedPages(): Promise<void> {
    const notRead = new Set(Object.keys(state.byId));
    const loaded = notRead.size;
    let read = 0;
    do {
      const ids = await readPage(read > 0 ? state.next_cursor : undefined);
      if (!ids) return;
      ids.forEach((id) => notRead.delete(id));
      read += ids.length;
    } while (state.next_cursor && read > 0 && read < loaded);
    unreadOf(notRead).forEach((id) => void fetch(id));
  }

  const unreadOf = (ids: Set<string>): string[] => open().filter((it) => it.unread > 0 && ids.has(it.id)).map((it) => it.id);

  /** Reads the loaded pages again. If they are not the whole list, also reads the newest requests, to count them all. */
  async function reload(): Promise<void> {
    await readLoadedPages();
    if (!state.next_cursor) return set("hasMoreRequests", false);
    try {
      const page = await client.rest.conversations(undefined, REQUESTS_PAGE, "request");
      page.items.forEach(upsert);
      set("hasMoreRequests", page.next_cursor !== undefined);
    } catch {
      // requests are then found while the list is scrolled
    }
  }

  /** Reads the next page, unless the list is complete or a page is being read. */
  async function more(): Promise<void> {
    if (isReading || !state.next_cursor) return;
    isReading = true;
    await readPage(state.next_cursor);
    isReading = false;
  }

  /** Reads one conversation, which need not be in the list yet. Returns undefined if it cannot be read now. */
  function fetch(id: string): Promise<Conversation | "missing" | undefined> {
    const request = running.get(id) ?? fetchOnce(id).finally(() => running.delete(id));
    running.set(id, request);
    return request;
  }

  async function fetchOnce(id: string): Promise<Conversation | "missing" | undefined> {
    try {
      const details = await client.rest.conversation(id);
      upsert(details);
      return details;
    } catch (error) {
      if (!isCode(error, "not_found")) return undefined;
      drop(id);
      return "missing";
    }
  }

  function drop(id: string): void {
    set("byId", produce((all) => void delete all[id]));
  }

  function setHidden(id: string, isHidden: boolean): void {
    const ids = new Set(hidden());
    if (isHidden) ids.add(id);
    else ids.delete(id);
    setHiddenIds(ids);
  }

  function applyEntry(entry: Entry): void {
    const known = state.byId[entry.conversation];
    if (!known) return void fetch(entry.conversation);
    put(withEntry(unwrap(known), entry, me));
  }

  function applyReceipt(receipt: Receipt): void {
    const known = state.byId[receipt.conversation];
    if (!known || receipt.user !== me) return;
    put(withOwnReceipt(unwrap(known), receipt));
    if (get(receipt.conversation)?.unread) void fetch(receipt.conversation);
  }

  /**
   * Marks everything up to `seq` as read. `texts` returns the number of texts after the previous read position. A
   * request sends no receipts, so it stays unread until it is accepted.
   */
  function read(id: string, seq: number, texts: (after: number) => number): void {
    const known = state.byId[id];
    if (!known || isRequest(known)) return;
    const next = withRead(unwrap(known), seq, texts(known.read_seq));
    if (next.read_seq === known.read_seq && next.unread === known.unread) return;
    client.read(id, seq);
    put(next);
  }

  return {
    state,
    open,
    requests,
    /** The number of unread conversations. */
    unread: () => unreadLoaded() + unreadElsewhere(),
    get,
    upsert,
    fetch,
    drop,
    setHidden,
    isHidden: (id: string): boolean => hidden().has(id),
    applyEntry,
    applyReceipt,
    read,
    reload,
    more,
  };
}
