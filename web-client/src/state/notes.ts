// Short notes at the edge of the page: what went wrong, for a few seconds.

import { createSignal } from "solid-js";

const NOTE_MS = 6_000;

export interface Note {
  id: number;
  text: string;
}

const [notes, setNotes] = createSignal<Note[]>([]);
let last = 0;

export { notes };

export function note(text: string): void {
  const id = ++last;
  setNotes((all) => [...all, { id, text }]);
  setTimeout(() => dismiss(id), NOTE_MS);
}

export function dismiss(id: number): void {
  setNotes((all) => all.filter((it) => it.id !== id));
}

/** What to tell a person about an error. */
export function saying(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.charAt(0).toUpperCase() + message.slice(1);
}
