// Unsent commands of one user. Each has its own storage key, so that tabs do not overwrite each other.

import type { EntryCommand, OutboxStore } from "../../sdk";
import { storageKey } from "./place";

interface Kept {
  command: EntryCommand;
  made_at: number;
}

export function unsentOf(user: string): OutboxStore {
  const prefix = storageKey(`unsent.${user}.`);
  return {
    load: () => keysWith(prefix).flatMap(read),
    keep({ client_id, command, made_at }) {
      localStorage.setItem(prefix + client_id, JSON.stringify({ command, made_at }));
    },
    remove: (client_id) => localStorage.removeItem(prefix + client_id),
  };
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
