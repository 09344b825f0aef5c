// Members of the conversations that were opened, with their cursors.

import { createStore, produce, reconcile, unwrap } from "solid-js/store";
import type { Client, Entry, Member, Receipt, User } from "../../sdk";
import { withReceipt } from "../logic/message_state";

export function createMembers(client: Client, know: (user: User | undefined) => void) {
  const [state, set] = createStore<Record<string, Member[]>>({});

  const put = (id: string, members: Member[]) => set(id, reconcile(members, { key: "user" }));

  async function load(id: string): Promise<void> {
    try {
      const members = await client.rest.members(id);
      members.forEach((member) => know(member.profile));
      put(id, members);
    } catch {
      // the next opening asks again
    }
  }

  function takeReceipt(receipt: Receipt): void {
    const members = state[receipt.conversation];
    if (members) put(receipt.conversation, withReceipt(unwrap(members), receipt));
  }

  /** Membership entries carry who came, went or changed; the cursors of newcomers are read. */
  function take(entry: Entry): void {
    const members = state[entry.conversation];
    if (!members) return;
    if (entry.kind === "left") put(entry.conversation, members.filter((it) => it.user !== entry.user));
    if (entry.kind === "role") {
      put(entry.conversation, members.map((it) => (it.user === entry.user ? { ...it, role: entry.role } : it)));
    }
    if (entry.kind === "joined") void load(entry.conversation);
    if (entry.kind === "text") takeReceipt(sentReceipt(entry.conversation, entry.sender, entry.seq));
  }

  return {
    load,
    take,
    takeReceipt,
    of: (id: string): Member[] => state[id] ?? [],
    loaded: () => Object.keys(state),
    drop: (id: string) => set(produce((all) => void delete all[id])),
  };
}

/** Who sends has everything before it. */
function sentReceipt(conversation: string, user: string, seq: number): Receipt {
  return { conversation, user, delivered_seq: seq, read_seq: seq };
}
