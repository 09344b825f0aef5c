// Folds runs of notices: what one member did to several others becomes one line.

import type { EntryOf } from "../../sdk";
import { daysApart } from "./format";
import type { NoticeRow, Row } from "./window";

/** Joins notices that directly follow each other, if one member added several others on the same day. */
export function folded(rows: Row[]): Row[] {
  const out: Row[] = [];
  for (const row of rows) {
    const last = out.at(-1);
    if (isAddition(last) && isAddition(row) && isSameRun(last, row)) out[out.length - 1] = joined(last, row);
    else out.push(row);
  }
  return out;
}

type Addition = NoticeRow & { entry: EntryOf<"joined"> };

function isAddition(row: Row | undefined): row is Addition {
  return row?.kind === "notice" && row.entry.kind === "joined" && row.entry.user !== row.sender;
}

function isSameRun(last: Addition, next: Addition): boolean {
  return last.sender === next.sender && daysApart(new Date(last.sent_at), new Date(next.sent_at)) === 0;
}

/** The joined row has the seq of the newest entry, because everything up to it is shown. */
function joined(last: Addition, next: Addition): NoticeRow {
  return { ...last, seq: next.seq, alsoAdded: [...(last.alsoAdded ?? []), next.entry.user] };
}
