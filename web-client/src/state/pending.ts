// Commands whose entries have not arrived through the feed yet: messages, and changes of messages.

import { createStore, reconcile, unwrap } from "solid-js/store";
import type { Client, Entry, OutboxItem } from "../../sdk/index";
import { keyOfMessage, placeOf } from "../logic/pending";
import { createTriggers } from "./triggers";

/** The same array each time, so that what reads it is not updated. */
const NONE: readonly OutboxItem[] = [];

/** Returns true if the entry of an item is at or before a seq. Without one, it is after all others. */
const isUpTo = (item: OutboxItem, seq: number) => (item.entry?.seq ?? Infinity) <= seq;

export function createPending(client: Client, me: string, changeFailed: (item: OutboxItem) => void) {
  /** Items by the place that shows them, so that a change updates only that place. */
  const [lists, set] = createStore<Record<string, OutboxItem[] | undefined>>({});
  /** Read at places without items, and fired when one gets an item. The store would keep a signal for each such place. */
  const begun = createTriggers();
  /** The seqs of messages that this page has shown before they were in the log, by conversation and client id. */
  const arrived = new Map<string, Map<string, number>>();

  const all = () => Object.values(lists).flatMap((list) => list ?? []);

  function at(place: string): readonly OutboxItem[] {
    if (unwrap(lists)[place]) return lists[place] ?? NONE;
    begun.track(place);
    return NONE;
  }

  function put(item: OutboxItem): void {
    const place = placeOf(item);
    const list = lists[place] ?? [];
    const index = list.findIndex((other) => other.client_id === item.client_id);
    if (index < 0) set(place, [...list, item]);
    else set(place, index, reconcile(item));
    begun.fire(place);
  }

  function removeIf(isGone: (item: OutboxItem) => boolean): void {
    for (const [place, list = []] of Object.entries(lists)) {
      const left = list.filter((item) => !isGone(item));
      if (left.length < list.length) set(place, left.length > 0 ? left : undefined); // which removes the place
    }
  }

  const remove = (client_id: string) => removeIf((item) => item.client_id === client_id);

  /**
   * Updates an item from the outbox. A sent item stays until its entry arrives through the feed. A failed message
   * stays for a retry. A failed change is reported and removed.
   */
  function update(item: OutboxItem): void {
    if (placeOf(item) !== item.conversation && item.state === "failed") {
      changeFailed(item);
      return remove(item.client_id);
    }
    if (item.state === "dropped" || isUpTo(item, client.cursor(item.conversation) ?? 0)) remove(item.client_id);
    else put(item);
  }

  function applyEntry({ conversation, seq, sender, client_id }: Entry): void {
    if (sender !== me || client_id === undefined) return;
    const seqs = arrived.get(conversation) ?? new Map<string, number>();
    if (lists[conversation]?.some((item) => item.client_id === client_id)) arrived.set(conversation, seqs.set(client_id, seq));
    remove(client_id);
  }

  /** Removes the items of a conversation whose entries are at or before `head_seq`: the feed has skipped them. */
  const skipTo = (conversation: string, head_seq: number) => removeIf((item) => item.conversation === conversation && isUpTo(item, head_seq));

  function drop(conversation: string): void {
    skipTo(conversation, Infinity);
    arrived.delete(conversation);
  }

  client.outbox.restore().forEach(put);
  return {
    update,
    applyEntry,
    drop,
    skipTo,
    in: at,
    changesOf: (conversation: string, seq: number): readonly OutboxItem[] => at(keyOfMessage(conversation, seq)),
    arrivedIn: (conversation: string): ReadonlyMap<string, number> | undefined => arrived.get(conversation),
    /** Returns how many there are, in one conversation or in all. */
    count: (conversation?: string): number => all().filter((item) => !conversation || item.conversation === conversation).length,
    /** Returns true if this browser cannot store some of them. They are lost if the page is closed. */
    hasUnsaved: (): boolean => all().some((item) => item.isKept === false),
  };
}
