// Unsent commands of one user. Each has its own storage key, so that tabs do not overwrite each other.
//
// Each command names the tab that sends it. A tab holds a lock while it lives. When the lock is free, another tab of the
// same login takes over what the tab has left.

import type { OutboxStore, StoredCommand } from "../../sdk/index";
import { storageKey } from "./place";
import { readStored, removeStored, storedKeys, writeLasting } from "./storage";

interface Kept extends StoredCommand {
  tab: string;
}

const TAB = `${Date.now()}.${Math.random()}`;

const prefixOf = (user: string): string => storageKey(`unsent.${user}.`);
const lockOf = (tab: string): string => storageKey(`tab.${tab}`);

export function unsentOf(user: string): OutboxStore {
  const prefix = prefixOf(user);
  return {
    load: () => storedKeys(prefix).flatMap(read).map(({ tab: _, ...stored }) => stored),
    keep({ client_id, command, made_at, error }) {
      const kept: Kept = { command, made_at, tab: TAB, ...(error ? { problem: error.problem } : {}) };
      writeLasting(prefix + client_id, JSON.stringify(kept));
    },
    remove: (client_id) => removeStored(prefix + client_id),
  };
}

/** Removes the commands of a user who logs out, so that they are not sent unasked at the next login. */
export function forgetUnsent(user: string): void {
  storedKeys(prefixOf(user)).forEach(removeStored);
}

/**
 * Calls `adopt` with the commands that another tab has left when it was closed. Returns a function that ends this. Pages
 * without TLS have no Web Locks: there the commands are sent when a page is opened.
 */
export function takeOverUnsent(user: string, adopt: (commands: StoredCommand[]) => void): () => void {
  if (!navigator.locks) return () => undefined;
  const prefix = prefixOf(user);
  const stop = new AbortController();
  const watched = new Set([TAB]);
  const hold = (name: string, work: () => unknown) =>
    void navigator.locks.request(name, { signal: stop.signal }, async () => work()).catch(() => undefined);
  const leave = new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
  hold(lockOf(TAB), () => leave);

  addEventListener("storage", ({ key, newValue }) => {
    const tab = key?.startsWith(prefix) && newValue ? read(key)[0]?.tab : undefined;
    if (tab === undefined || watched.has(tab)) return;
    watched.add(tab);
    hold(lockOf(tab), () => {
      watched.delete(tab);
      adopt(storedKeys(prefix).flatMap(read).filter((it) => it.tab === tab));
    });
  }, { signal: stop.signal });
  return () => stop.abort();
}

function read(key: string): Kept[] {
  try {
    return [JSON.parse(readStored(key) ?? "") as Kept];
  } catch {
    return [];
  }
}
