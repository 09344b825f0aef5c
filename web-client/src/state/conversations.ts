// The list of conversations: read page by page, kept up by entries, receipts and events.

import { createMemo } from "solid-js";
import { createStore, produce, reconcile, unwrap } from "solid-js/store";
import { type Client, type Conversation, type Entry, isCode, type Receipt } from "../../sdk";
import { byActivity, unreadInAll, withDetails, withEntry, withOwnReceipt, withRead } from "../logic/conversations";

const LIST_PAGE = 50;

export interface Listing {
  byId: Record<string, Conversation>;
  status: "loading" | "ready" | "failed";
  next_cursor?: string | undefined;
}

export function createConversations(client: Client, me: string) {
  const [state, set] = createStore<Listing>({ byId: {}, status: "loading" });
  const sorted = createMemo(() => Object.values(state.byId).sort(byActivity));
  const unread = createMemo(() => unreadInAll(Object.values(state.byId)));
  let isReading = false;
  const asked = new Map<string, Promise<Conversation | "missing" | undefined>>();

  const get = (id: string): Conversation | undefined => state.byId[id];
  const put = (conversation: Conversation) => set("byId", conversation.id, reconcile(conversation));

  function upsert(details: Conversation): void {
    const known = state.byId[details.id];
    put(withDetails(known && unwrap(known), details));
    client.known(details);
    if (details.unread > 0) client.delivered(details.id, details.head_seq);
  }

  async function readPage(cursor: string | undefined): Promise<void> {
    try {
      const page = await client.rest.conversations(cursor, LIST_PAGE);
      page.items.forEach(upsert);
      set({ status: "ready", next_cursor: page.next_cursor });
    } catch {
      if (state.status === "loading") set("status", "failed");
    }
  }

  /** The next page, if there is one and it is not on its way. */
  async function more(): Promise<void> {
    if (isReading || !state.next_cursor) return;
    isReading = true;
    await readPage(state.next_cursor);
    isReading = false;
  }

  /** Details of one conversation, also of one that the list has not reached; nothing if they cannot be read now. */
  function fetch(id: string): Promise<Conversation | "missing" | undefined> {
    const running = asked.get(id) ?? fetchOnce(id).finally(() => asked.delete(id));
    asked.set(id, running);
    return running;
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

  function take(entry: Entry): void {
    const known = state.byId[entry.conversation];
    if (!known) return void fetch(entry.conversation);
    put(withEntry(unwrap(known), entry, me));
  }

  function takeReceipt(receipt: Receipt): void {
    const known = state.byId[receipt.conversation];
    if (!known || receipt.user !== me) return;
    put(withOwnReceipt(unwrap(known), receipt));
    if (get(receipt.conversation)?.unread) void fetch(receipt.conversation);
  }

  /** This user has seen everything up to `seq` here; `texts` counts those after what was read before. */
  function read(id: string, seq: number, texts: (after: number) => number): void {
    const known = state.byId[id];
    if (!known) return;
    const next = withRead(unwrap(known), seq, texts(known.read_seq));
    if (next.read_seq === known.read_seq && next.unread === known.unread) return;
    client.read(id, seq);
    put(next);
  }

  return {
    state,
    sorted,
    unread,
    get,
    upsert,
    fetch,
    drop,
    take,
    takeReceipt,
    read,
    reload: () => readPage(undefined),
    more,
  };
}
