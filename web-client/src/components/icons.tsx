// Line icons of one size and weight. They are hidden from screen readers; their buttons have the labels.

import { For } from "solid-js";

function icon(...lines: string[]) {
  return () => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <For each={lines}>{(line) => <path d={line} />}</For>
    </svg>
  );
}

export const PlusIcon = icon("M12 5v14", "M5 12h14");
export const PenIcon = icon("M4 20l1-4L16.500 4.500a2.100 2.100 0 0 1 3 3L8 19z", "M14.500 6.500l3 3");
export const PeopleIcon = icon(
  "M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z",
  "M2.500 19.500a6.500 6.500 0 0 1 13 0",
  "M16 4.800a3.500 3.500 0 0 1 0 6.400",
  "M18 14a6.500 6.500 0 0 1 3.500 5.500",
);
export const LeaveIcon = icon("M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4", "M15 8l4 4-4 4", "M19 12H9.500");
export const BackIcon = icon("M15 5l-7 7 7 7");
export const CloseIcon = icon("M6 6l12 12", "M18 6L6 18");
export const SendIcon = icon("M12 19V5", "M5.500 11.500L12 5l6.500 6.500");
export const ReplyIcon = icon("M9 6L4 11l5 5", "M4 11h9a7 7 0 0 1 7 7");
export const BinIcon = icon("M5 7h14", "M9 7V5h6v2", "M7 7l1 12h8l1-12");
export const SmileIcon = icon(
  "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  "M8.500 14.200a4.300 4.300 0 0 0 7 0",
  "M9 9.500v.5",
  "M15 9.500v.5",
);
export const DownIcon = icon("M12 5v14", "M5.500 12.500L12 19l6.500-6.500");
export const SearchIcon = icon("M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13z", "M15.500 15.500L20 20");
export const CheckIcon = icon("M5 12.500l4.500 4.500L19 7.500");
export const ClockIcon = icon("M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17z", "M12 7.500V12l3 2");
export const SentIcon = icon("M6 12.500l4 4 8.500-9");
export const DeliveredIcon = icon("M2.500 12.500l4 4 8.500-9", "M11 15.500l1 1 8.500-9");
export const ReadIcon = icon("M12 21.500a9.500 9.500 0 1 0 0-19 9.500 9.500 0 0 0 0 19z", "M7.500 12.500l3.200 3.200 6-6.500");
export const AlertIcon = icon("M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17z", "M12 8v4.500", "M12 15.700v.3");
