// Line icons of one size and weight. They are hidden from screen readers; their buttons have the labels.

import { For } from "solid-js";

export const icon = (...lines: string[]) => drawn("", lines);

/** An icon that points along the line of text, so that it is mirrored where text runs from right to left. */
export const flipping = (...lines: string[]) => drawn("flips", lines);

function drawn(variant: string, lines: string[]) {
  return () => (
    <svg class={`icon ${variant}`} viewBox="0 0 24 24" aria-hidden="true">
      <For each={lines}>{(line) => <path d={line} />}</For>
    </svg>
  );
}

export const PenIcon = icon("M4 20l1-4L16.500 4.500a2.100 2.100 0 0 1 3 3L8 19z", "M14.500 6.500l3 3");
export const PeopleIcon = icon(
  "M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z",
  "M2.500 19.500a6.500 6.500 0 0 1 13 0",
  "M16 4.800a3.500 3.500 0 0 1 0 6.400",
  "M18 14a6.500 6.500 0 0 1 3.500 5.500",
);
export const CloseIcon = icon("M6 6l12 12", "M18 6L6 18");
