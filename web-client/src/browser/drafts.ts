// What was written and not sent, kept per conversation while the page lives.

const drafts = new Map<string, string>();

export const draftOf = (conversation: string): string => drafts.get(conversation) ?? "";

export function keepDraft(conversation: string, text: string): void {
  if (text) drafts.set(conversation, text);
  else drafts.delete(conversation);
}
