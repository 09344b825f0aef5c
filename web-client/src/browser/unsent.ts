// Unsent commands of one user, kept in this browser until logout.

import { type OutboxStore, unsentIn } from "../../sdk/index";
import { storageKey } from "./place";
import { readStored, removeStored, storedKeys, writeLasting } from "./storage";

const prefixOf = (user: string): string => storageKey(`unsent.${user}.`);

export function unsentOf(user: string): OutboxStore {
  const prefix = prefixOf(user);
  return unsentIn({
    keys: () => storedKeys(prefix),
    read: (key) => JSON.parse(readStored(key) ?? ""),
    write: (key, value) => writeLasting(key, JSON.stringify(value)),
    remove: removeStored,
  }, prefix);
}

/** Removes the commands of a user who logs out, so that they are not sent unasked at the next login. */
export function forgetUnsent(user: string): void {
  storedKeys(prefixOf(user)).forEach(removeStored);
}
