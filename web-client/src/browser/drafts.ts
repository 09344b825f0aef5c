// Drafts of one user, stored for each conversation in this browser until logout.

import { storageKey } from "./place";

const prefixOf = (user: string): string => storageKey(`draft.${user}.`);

export function draftOf(user: string, conversation: string): string {
  return localStorage.getItem(prefixOf(user) + conversation) ?? "";
}

export function keepDraft(user: string, conversation: string, text: string): void {
  const key = prefixOf(user) + conversation;
  if (!text) return localStorage.removeItem(key);
  try {
    localStorage.setItem(key, text);
  } catch {
    // the storage is full: the draft is not kept, but the user can go on writing
  }
}

export function forgetDrafts(user: string): void {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefixOf(user)));
  for (const key of keys) localStorage.removeItem(key);
}
