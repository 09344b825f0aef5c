// Commands whose entries are not in the log yet, or not seen there yet: messages, and changes of messages.

import { createStore } from "solid-js/store";
import type { Client, Entry, OutboxItem } from "../../sdk";
import { changes, isSend } from "../logic/pending";

export function createPending(client: Client, me: string, failed: (item: OutboxItem) => void) {
  const [items, set] = createStore<OutboxItem[]>(client.outbox.restore());

  const remove = (client_id: string) => set((all) => all.filter((item) => item.client_id !== client_id));

  /**
   * One that is sent stays until its entry comes through the feed, unless that has been already. A
   * message that failed stays, to be tried again; a change that failed is said, and goes.
   */
  function take(item: OutboxItem): void {
    if (!isSend(item) && item.state === "failed") {
      failed(item);
      return remove(item.client_id);
    }
    const isSeen = item.entry !== undefined && item.entry.seq <= (client.cursor(item.conversation) ?? 0);
    if (item.state === "dropped" || isSeen) return remove(item.client_id);
    const at = items.findIndex((other) => other.client_id === item.client_id);
    set(at < 0 ? items.length : at, item);
  }

  function takeEntry(entry: Entry): void {
    if (entry.sender === me && entry.client_id !== undefined) remove(entry.client_id);
  }

  /** The feed went past them without bringing them. */
  function skipTo(conversation: string, head_seq: number): void {
    const isPast = (item: OutboxItem) => item.conversation === conversation && (item.entry?.seq ?? Infinity) <= head_seq;
    set((all) => all.filter((item) => !isPast(item)));
  }

  return {
    take,
    takeEntry,
    skipTo,
    in: (conversation: string): OutboxItem[] => items.filter((item) => item.conversation === conversation && isSend(item)),
    changesOf: (conversation: string, seq: number): OutboxItem[] =>
      items.filter((item) => item.conversation === conversation && changes(item, seq)),
    count: (conversation: string): number => items.filter((item) => item.conversation === conversation).length,
    drop: (conversation: string) => set((all) => all.filter((item) => item.conversation !== conversation)),
  };
}
