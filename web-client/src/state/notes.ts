// Notifications that are shown for a few seconds, mostly about errors.

import { createSignal } from "solid-js";

const NOTE_MS = 6_000;

export interface Note {
  id: number;
  text: string;
}

const [notes, setNotes] = createSignal<Note[]>([]);
let last = 0;

export { notes };

export function notify(text: string): void {
  const id = ++last;
  setNotes((all) => [...all, { id, text }]);
  setTimeout(() => dismiss(id), NOTE_MS);
}

export function dismiss(id: number): void {
  setNotes((all) => all.filter((it) => it.id !== id));
}
