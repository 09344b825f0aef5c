// What one user wrote and did not send, kept per conversation in this browser until they log out.

const prefixOf = (user: string): string => `confab.draft.${user}.`;

export function draftOf(user: string, conversation: string): string {
  return localStorage.getItem(prefixOf(user) + conversation) ?? "";
}

export function keepDraft(user: string, conversation: string, text: string): void {
  const key = prefixOf(user) + conversation;
  if (!text) return localStorage.removeItem(key);
  try {
    localStorage.setItem(key, text);
  } catch {
    // a storage that is full keeps no draft, and writing goes on
  }
}

export function forgetDrafts(user: string): void {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefixOf(user)));
  for (const key of keys) localStorage.removeItem(key);
}
