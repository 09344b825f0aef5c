// Unsent commands of one user. Each has its own storage key, so that tabs do not overwrite each other.

import type { OutboxStore, StoredCommand } from "../../sdk/index";
import { storageKey } from "./place";
import { readStored, removeStored, storedKeys, writeLasting } from "./storage";

const prefixOf = (user: string): string => storageKey(`unsent.${user}.`);

export function unsentOf(user: string): OutboxStore {
  const prefix = prefixOf(user);
  return {
    load: () => storedKeys(prefix).flatMap(read),
    keep({ client_id, command, made_at, error }) {
      writeLasting(prefix + client_id, JSON.stringify({ command, made_at, problem: error?.problem } satisfies StoredCommand));
    },
    remove: (client_id) => removeStored(prefix + client_id),
  };
}

/** Removes the commands of a user who logs out, so that they are not sent unasked at the next login. */
export function forgetUnsent(user: string): void {
  storedKeys(prefixOf(user)).forEach(removeStored);
}

function read(key: string): StoredCommand[] {
  try {
    return [JSON.parse(readStored(key) ?? "") as StoredCommand];
  } catch {
    return [];
  }
}
