// The members of opened conversations, with their receipts.

import { createStore, produce, reconcile, unwrap } from "solid-js/store";
import type { Client, Conversation, Entry, Member, Receipt } from "../../sdk/index";
import { withReceipt } from "../logic/receipts";

/** Receipts are not pushed in larger groups, so their members would become stale. */
export const MEMBERS_SHOWN_MAX = 256;
export const MEMBERS_PAGE = 100;

export function createMembers(client: Client) {
  const [state, set] = createStore<Record<string, Member[]>>({});
  const [failed, setFailed] = createStore<Record<string, boolean>>({});

  /** For each read of members, the receipts that have arrived since. The answer may be older than they are. */
  const readings = new Set<Receipt[]>();

  const put = (id: string, members: Member[]) => set(id, reconcile(members, { key: "user" }));

  async function load(id: string): Promise<void> {
    setFailed(id, false);
    const newer: Receipt[] = [];
    readings.add(newer);
    try {
      const members = await readAll(id);
      put(id, newer.filter((it) => it.conversation === id).reduce(withReceipt, members));
    } catch {
      setFailed(id, true); // the next time the conversation is opened, this is retried
    }
    readings.delete(newer);
  }

  async function readAll(id: string): Promise<Member[]> {
    const members: Member[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.rest.members(id, cursor, MEMBERS_PAGE);
      members.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor && members.length < MEMBERS_SHOWN_MAX);
    return members;
  }

  function applyReceipt(receipt: Receipt): void {
    readings.forEach((newer) => newer.push(receipt));
    const members = state[receipt.conversation];
    if (members) put(receipt.conversation, withReceipt(unwrap(members), receipt));
  }

  /** Applies an entry about members. For a new member, the list is read again to get the receipts. */
  function applyEntry(entry: Entry): void {
    const members = state[entry.conversation];
    if (!members) return;
    if (entry.kind === "left") put(entry.conversation, members.filter((it) => it.user !== entry.user));
    if (entry.kind === "role") {
      put(entry.conversation, members.map((it) => (it.user === entry.user ? { ...it, role: entry.role } : it)));
    }
    if (entry.kind === "joined") void load(entry.conversation);
    if (entry.kind === "text") applyReceipt(sentReceipt(entry.conversation, entry.sender, entry.seq));
  }

  return {
    load,
    applyEntry,
    applyReceipt,
    of: (id: string): Member[] => state[id] ?? [],
    /** Returns the members with their receipts. In larger groups, nobody's receipts are known. */
    receiptsIn: ({ id, member_count }: Conversation): Member[] => (member_count <= MEMBERS_SHOWN_MAX ? (state[id] ?? []) : []),
    /** Returns true if no more can be learned about how far the others are. */
    knowsReceiptsIn: ({ id, member_count }: Conversation): boolean =>
      state[id] !== undefined || member_count === 1 || member_count > MEMBERS_SHOWN_MAX,
    /** Returns if the members of a conversation could be read. Those of large groups are read only when somebody asks for them. */
    status: (id: string): "ready" | "failed" | "loading" => (state[id] ? "ready" : failed[id] ? "failed" : "loading"),
    loaded: () => Object.keys(state),
    drop: (id: string) => set(produce((all) => void delete all[id])),
  };
}

/** Returns the receipt that sending implies: the sender has read everything before the message. */
function sentReceipt(conversation: string, user: string, seq: number): Receipt {
  return { conversation, user, delivered_seq: seq, read_seq: seq };
}
