// Long messages that the reader has unfolded: they stay so when the conversation is opened again.

import { createStore } from "solid-js/store";
import { keyOfMessage } from "../logic/pending";

const [unfolded, set] = createStore<Record<string, boolean>>({});

export const isUnfolded = (conversation: string, message: number | string): boolean => unfolded[keyOfMessage(conversation, message)] ?? false;

export const unfold = (conversation: string, message: number | string): void => set(keyOfMessage(conversation, message), true);
