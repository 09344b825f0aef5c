// Keys of an opened conversation: up, down, first and last message, and the search.

import { indexFrom, type Row } from "../logic/rows";

const STEPS: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

/** Returns the seq of the message that a key moves the focus to, from `current` or from the end of the rows. */
export function focusTarget(event: KeyboardEvent, rows: readonly Row[], current: number | undefined): number | undefined {
  const step = STEPS[event.key];
  if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return undefined;
  const direction = Math.sign(step) || 1;
  const start = current === undefined ? rows.length : indexFrom(rows, current);
  const isFar = Math.abs(step) === Infinity;
  const from = isFar ? (direction > 0 ? rows.length - 1 : 0) : start + direction;
  return nearestMessage(rows, from, isFar ? -direction : direction);
}

/** Returns the first message from an index on, in one direction. Notices cannot have the focus. */
function nearestMessage(rows: readonly Row[], from: number, direction: number): number | undefined {
  for (let at = from; at >= 0 && at < rows.length; at += direction) {
    const row = rows[at];
    if (row?.kind === "message") return row.seq;
  }
  return undefined;
}

/** Returns true if the key press searches the open conversation. */
export function isSearchShortcut(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "f";
}
