// Folds runs of notices: what one member did to several others becomes one line.

import type { EntryOf } from "../../sdk/index";
import { daysApart } from "./format";
import type { NoticeRow, Row } from "./rows";

type Addition = NoticeRow & { entry: EntryOf<"joined"> };

/**
 * Returns one notice for two that directly follow each other, if one member added several others on the same day.
 * It has the seq of the newest entry, because everything up to it is shown.
 */
export function foldedNotice(last: Row, next: Row): NoticeRow | undefined {
  if (!isAddition(last) || !isAddition(next) || last.sender !== next.sender) return undefined;
  if (daysApart(new Date(last.sent_at), new Date(next.sent_at)) !== 0) return undefined;
  return { ...last, seq: next.seq, alsoAdded: [...(last.alsoAdded ?? []), next.entry.user, ...(next.alsoAdded ?? [])] };
}

function isAddition(row: Row): row is Addition {
  return row.kind === "notice" && row.entry.kind === "joined" && row.entry.user !== row.sender;
}
