// Groups rows: which rows start a new day, and which continue a run of messages by one sender.

import { daysApart } from "./format";
import type { Row } from "./rows";

const RUN_MS = 5 * 60_000;

export function startsDay(before: Row | undefined, row: Row): boolean {
  return !before || daysApart(new Date(before.sent_at), new Date(row.sent_at)) !== 0;
}

export function continuesRun(before: Row | undefined, row: Row | undefined): boolean {
  if (before?.kind !== "message" || row?.kind !== "message" || before.sender !== row.sender) return false;
  const apart = Date.parse(row.sent_at) - Date.parse(before.sent_at);
  return apart < RUN_MS && !startsDay(before, row);
}
