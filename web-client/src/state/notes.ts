// Notifications that are shown for a few seconds, mostly about errors.

import { createSignal } from "solid-js";

export const NOTE_MS = 6_000;

export interface Note {
  id: number;
  text: string;
  /** The conversation that it is about. It is hidden while another one is open. */
  conversation?: string | undefined;
  action?: NoteAction | undefined;
}

/** A button in the note. It closes the note. */
export interface NoteAction {
  label: string;
  run: () => void;
}

const [notes, setNotes] = createSignal<Note[]>([]);
let last = 0;

export { notes };

export function notify(text: string, conversation?: string): void {
  show({ text, conversation });
}

/** Shows a note with a button, which undoes something for example. Returns the id of the note. */
export function offer(text: string, action: NoteAction): number {
  return show({ text, action });
}

/** A note replaces an earlier one with the same text. */
function show(note: Omit<Note, "id">): number {
  const id = ++last;
  setNotes((all) => [...all.filter((it) => it.text !== note.text), { id, ...note }]);
  setTimeout(() => dismiss(id), NOTE_MS);
  return id;
}

export function dismiss(id: number): void {
  setNotes((all) => all.filter((it) => it.id !== id));
}
