// Long messages that the reader has unfolded: they stay so when the conversation is opened again.

import { keyOfMessage } from "../logic/pending";
import { createTriggers } from "../state/triggers";

const unfolded = new Set<string>();
const changed = createTriggers();

export function isUnfolded(conversation: string, message: number | string): boolean {
  const key = keyOfMessage(conversation, message);
  changed.track(key);
  return unfolded.has(key);
}

export function unfold(conversation: string, message: number | string): void {
  const key = keyOfMessage(conversation, message);
  unfolded.add(key);
  changed.fire(key);
}
