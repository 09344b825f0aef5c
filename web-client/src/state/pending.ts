// Commands whose entries have not arrived through the feed yet: messages, and changes of messages.

import { createSignal } from "solid-js";
import { createStore } from "solid-js/store";
import type { Client, Entry, OutboxItem } from "../../sdk/index";
import { changesMessage, isSend } from "../logic/pending";

/** The same array each time, so that a new message in the outbox does not update all other rows. */
const NONE: readonly OutboxItem[] = [];

export function createPending(client: Client, me: string, changeFailed: (item: OutboxItem) => void) {
  const [items, set] = createStore<OutboxItem[]>(client.outbox.restore());

  /** Commands that this browser cannot store. They are lost if the page is closed. */
  const [unsaved, setUnsaved] = createSignal<readonly string[]>([]);

  function remove(client_id: string): void {
    set((all) => all.filter((item) => item.client_id !== client_id));
    setUnsaved((all) => all.filter((other) => other !== client_id));
  }

  /**
   * Updates an item from the outbox. A sent item stays until its entry arrives through the feed. A failed message
   * stays for a retry. A failed change is reported and removed.
   */
  function update(item: OutboxItem): void {
    if (!isSend(item) && item.state === "failed") {
      changeFailed(item);
      return remove(item.client_id);
    }
    const isDelivered = item.entry !== undefined && item.entry.seq <= (client.cursor(item.conversation) ?? 0);
    if (item.state === "dropped" || isDelivered) return remove(item.client_id);
    const at = items.findIndex((other) => other.client_id === item.client_id);
    set(at < 0 ? items.length : at, item);
  }

  function applyEntry(entry: Entry): void {
    if (entry.sender === me && entry.client_id !== undefined) remove(entry.client_id);
  }

  /** Removes sent items whose entries the feed has skipped. */
  function skipTo(conversation: string, head_seq: number): void {
    const isPast = (item: OutboxItem) => item.conversation === conversation && (item.entry?.seq ?? Infinity) <= head_seq;
    set((all) => all.filter((item) => !isPast(item)));
  }

  return {
    update,
    applyEntry,
    skipTo,
    in: (conversation: string): OutboxItem[] => items.filter((item) => item.conversation === conversation && isSend(item)),
    changesOf: (conversation: string, seq: number): readonly OutboxItem[] => {
      const changes = items.filter((item) => item.conversation === conversation && changesMessage(item, seq));
      return changes.length > 0 ? changes : NONE;
    },
    count: (conversation: string): number => items.filter((item) => item.conversation === conversation).length,
    total: (): number => items.length,
    markUnsaved: (client_id: string) => setUnsaved((all) => [...all, client_id]),
    isUnsaved: (client_id: string): boolean => unsaved().includes(client_id),
    hasUnsaved: (): boolean => items.some((item) => unsaved().includes(item.client_id)),
    drop: (conversation: string) => set((all) => all.filter((item) => item.conversation !== conversation)),
  };
}
