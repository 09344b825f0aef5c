// Unsent commands of one user. Each has its own storage key, so that tabs do not overwrite each other.

import type { EntryCommand, OutboxStore } from "../../sdk/index";
import { storageKey } from "./place";

interface Kept {
  command: EntryCommand;
  made_at: number;
}

const prefixOf = (user: string): string => storageKey(`unsent.${user}.`);

export function unsentOf(user: string): OutboxStore {
  const prefix = prefixOf(user);
  return {
    load: () => keysWith(prefix).flatMap(read),
    keep({ client_id, command, made_at }) {
      localStorage.setItem(prefix + client_id, JSON.stringify({ command, made_at }));
    },
    remove: (client_id) => localStorage.removeItem(prefix + client_id),
  };
}

/** Removes the commands of a user who logs out, so that they are not sent unasked at the next login. */
export function forgetUnsent(user: string): void {
  for (const key of keysWith(prefixOf(user))) localStorage.removeItem(key);
}

function keysWith(prefix: string): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
}

function read(key: string): Kept[] {
  try {
    return [JSON.parse(localStorage.getItem(key) ?? "") as Kept];
  } catch {
    return [];
  }
}
