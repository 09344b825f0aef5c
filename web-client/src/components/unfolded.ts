// Long messages that the reader has unfolded: they stay so when the conversation is opened again.

import { createStore } from "solid-js/store";

const [unfolded, set] = createStore<Record<string, boolean>>({});

/** Returns true if a message is unfolded. `message` is its seq, or its client id while it is not in the log. */
export const isUnfolded = (conversation: string, message: number | string): boolean => unfolded[`${conversation}/${message}`] ?? false;

export const unfold = (conversation: string, message: number | string): void => set(`${conversation}/${message}`, true);
