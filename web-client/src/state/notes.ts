// Notifications that are shown for a few seconds, mostly about errors.

import { createSignal } from "solid-js";

const NOTE_MS = 6_000;

export interface Note {
  id: number;
  text: string;
  /** The conversation that it is about. It is hidden while another one is open. */
  conversation?: string | undefined;
}

const [notes, setNotes] = createSignal<Note[]>([]);
let last = 0;

export { notes };

export function notify(text: string, conversation?: string): void {
  const id = ++last;
  setNotes((all) => [...all, { id, text, conversation }]);
  setTimeout(() => dismiss(id), NOTE_MS);
}

export function dismiss(id: number): void {
  setNotes((all) => all.filter((it) => it.id !== id));
}
