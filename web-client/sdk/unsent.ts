// How unsent commands are kept: each under a key of its own, so that tabs do not overwrite each other.

import { type OutboxStore, type StoredCommand, storedOf } from "./outbox.js";

/** Values by key, such as those of a `Store` that were read before. */
export interface Values {
  keys(): string[];
  read(key: string): unknown;
  /** Fails if the storage is full or blocked. */
  write(key: string, value: StoredCommand): void | Promise<void>;
  remove(key: string): void;
}

/** Keeps unsent commands under keys with a prefix. What cannot be read is left out. */
export function unsentIn(values: Values, prefix: string): OutboxStore {
  return {
    load: () => values.keys().flatMap((key) => (key.startsWith(prefix) ? readable(() => values.read(key)) : [])),
    keep: (item) => values.write(prefix + item.client_id, storedOf(item)),
    remove: (client_id) => values.remove(prefix + client_id),
  };
}

function readable(read: () => unknown): StoredCommand[] {
  try {
    const stored = read() as Partial<StoredCommand> | null;
    return stored?.command?.client_id ? [stored as StoredCommand] : [];
  } catch {
    return [];
  }
}
