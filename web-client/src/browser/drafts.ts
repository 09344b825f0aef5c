// Drafts of one user, stored for each conversation in this browser until logout.

import { storageKey } from "./place";
import { readStored, removeStored, storedKeys, writeStored } from "./storage";

const prefixOf = (user: string): string => storageKey(`draft.${user}.`);

/** The message that is edited or answered, as it was when the user chose it. */
export interface DraftTarget {
  kind: "edit" | "reply";
  row: { seq: number; sender: string; text: string };
}

export interface Draft {
  /** The text of a new message. */
  text: string;
  target?: DraftTarget | undefined;
  /** The new text of the message that is edited. */
  edited?: string;
}

export function draftOf(user: string, conversation: string): Draft {
  const stored = readStored(prefixOf(user) + conversation) ?? "";
  return read(stored) ?? { text: stored };
}

/** Returns undefined for a draft of an earlier version, which is the text alone. */
function read(stored: string): Draft | undefined {
  try {
    const draft = JSON.parse(stored) as Draft | null;
    return typeof draft?.text === "string" ? draft : undefined;
  } catch {
    return undefined;
  }
}

export function keepDraft(user: string, conversation: string, draft: Draft): void {
  const key = prefixOf(user) + conversation;
  if (!draft.text && !draft.target) return removeStored(key);
  writeStored(key, JSON.stringify(draft));
}

export function forgetDrafts(user: string): void {
  storedKeys(prefixOf(user)).forEach(removeStored);
}
