// Unsent commands of one user, kept in this browser until logout.

import { type OutboxStore, unsentIn } from "../../sdk/index";
import { readStored, removeStored, storedKeys, writeLasting } from "./storage";
import { unsentPrefix } from "./unsent_keys";

export function unsentOf(user: string): OutboxStore {
  const prefix = unsentPrefix(user);
  return unsentIn({
    keys: () => storedKeys(prefix),
    read: (key) => JSON.parse(readStored(key) ?? ""),
    write: (key, value) => writeLasting(key, JSON.stringify(value)),
    remove: removeStored,
  }, prefix);
}
