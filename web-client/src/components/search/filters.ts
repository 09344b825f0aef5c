// The filters of a search, and the query that is made of them.

import type { User } from "../../../sdk/index";
import type { MessageQuery } from "../../../sdk/search";

export interface Filters {
  sender?: User | undefined;
  has?: "link" | "attachment" | undefined;
  /** The first and the last day, as `2026-03-14`, or empty. */
  since: string;
  until: string;
}

export const NO_FILTERS: Filters = { since: "", until: "" };
const QUERY_BYTES_MAX = 256;
const PAGE = 30;

/** Returns the query, or undefined while there is nothing to look for. Days are those of this device. */
export function queryOf(text: string, filters: Filters, conversation?: string): MessageQuery | undefined {
  const q = shortened(text.trim());
  const { sender, has } = filters;
  if (q === "" && !sender && !has) return undefined;
  const since = dayOf(filters.since);
  const until = dayOf(filters.until);
  return {
    ...(q === "" ? {} : { q }),
    ...(conversation === undefined ? {} : { conversation }),
    ...(sender ? { sender: sender.id } : {}),
    ...(has ? { has } : {}),
    ...(since ? { after: new Date(since.getTime() - 1) } : {}),
    ...(until ? { before: nextDay(until) } : {}),
    limit: PAGE,
  };
}

/** Returns true if both queries find the same. */
export function isSameQuery(a: MessageQuery | undefined, b: MessageQuery | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Returns as much of the text as a query may have. */
function shortened(text: string): string {
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(QUERY_BYTES_MAX)).read);
}

/** Returns the start of a day, or undefined while the date is not complete. */
function dayOf(day: string): Date | undefined {
  const start = new Date(`${day}T00:00`);
  return Number.isNaN(start.getTime()) ? undefined : start;
}

function nextDay(day: Date): Date {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1);
}
