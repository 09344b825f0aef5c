// Sends that are not in the log yet, or not seen there yet.

import { createStore } from "solid-js/store";
import type { Client, Entry, OutboxItem } from "../../sdk";

export function createPending(client: Client, me: string, failed: (item: OutboxItem) => void) {
  const [items, set] = createStore<OutboxItem[]>(client.outbox.restore().filter(isSend));

  const remove = (client_id: string) => set((all) => all.filter((item) => item.client_id !== client_id));

  /** One that is sent stays until its entry comes through the feed, unless that has been already. */
  function take(item: OutboxItem): void {
    if (!isSend(item)) return item.state === "failed" ? failed(item) : undefined;
    const isSeen = item.entry !== undefined && item.entry.seq <= (client.cursor(item.conversation) ?? 0);
    if (item.state === "dropped" || isSeen) return remove(item.client_id);
    const at = items.findIndex((other) => other.client_id === item.client_id);
    set(at < 0 ? items.length : at, item);
  }

  function takeEntry(entry: Entry): void {
    if (entry.sender === me && entry.client_id !== undefined) remove(entry.client_id);
  }

  return {
    take,
    takeEntry,
    in: (conversation: string): OutboxItem[] => items.filter((item) => item.conversation === conversation),
    drop: (conversation: string) => set((all) => all.filter((item) => item.conversation !== conversation)),
  };
}

function isSend(item: OutboxItem): boolean {
  return item.command.cmd === "send";
}
