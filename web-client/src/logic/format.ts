// Formats times and names as the list of conversations shows them, in the language of the page.

import type { Conversation, Presence, User } from "../../sdk/index";
import { locale, t } from "../text/language";

const DAY_MS = 86_400_000;

/** Returns a function that makes formats once for each language, because that takes long, and returns those of the page's. */
export function perLanguage<T>(make: (locale: string | undefined) => T): () => T {
  const made = new Map<string | undefined, T>();
  return () => {
    const known = made.get(locale()) ?? make(locale());
    made.set(locale(), known);
    return known;
  };
}

const formats = perLanguage((locale) => {
  const date = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options);
  return {
    clock: date({ hour: "numeric", minute: "2-digit" }),
    shortWeekday: date({ weekday: "short" }),
    shortDay: date({ day: "numeric", month: "short" }),
    relative: new Intl.RelativeTimeFormat(locale, { numeric: "auto" }),
  };
});

export const clockTime = (at: string): string => formats().clock.format(new Date(at));

/** Returns the number of calendar days between two times, in the local time zone. */
export function daysApart(earlier: Date, later: Date): number {
  const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(later) - midnight(earlier)) / DAY_MS);
}

/** Returns a short time for the list: the time today, the weekday within a week, otherwise the date. */
export function listTime(at: string, now: Date): string {
  const date = new Date(at);
  const days = daysApart(date, now);
  if (days <= 0) return formats().clock.format(date);
  return days < 7 ? formats().shortWeekday.format(date) : formats().shortDay.format(date);
}

export function lastSeen(presence: Presence | undefined, now: Date): string {
  if (presence?.status === "online") return t().presence.online;
  if (presence?.status === "away") return t().presence.away;
  if (presence?.status !== "offline" || !presence.last_seen_at) return "";
  return t().presence.lastSeen(timeAgo(presence.last_seen_at, now));
}

export function timeAgo(at: string, now: Date): string {
  const date = new Date(at);
  const minutes = Math.floor((now.getTime() - date.getTime()) / 60_000);
  if (minutes < 1) return t().presence.justNow;
  if (minutes < 60) return formats().relative.format(-minutes, "minute");
  const days = daysApart(date, now);
  if (days === 0) return t().presence.todayAt(formats().clock.format(date));
  if (days === 1) return t().presence.yesterdayAt(formats().clock.format(date));
  return formats().shortDay.format(date);
}

export function nameOf(user: User | undefined): string {
  return user?.display_name?.trim() || user?.username || "…";
}

export function titleOf(conversation: Conversation): string {
  if (conversation.kind === "group") return conversation.title?.trim() || t().list.untitled;
  return conversation.peer ? nameOf(conversation.peer) : t().list.direct;
}

/** Returns the first characters of the first and the last word, as a reader sees characters. Brackets and the like count for nothing. */
export function initialsOf(name: string): string {
  const words = name.split(/\s+/).map((word) => word.replace(/^[^\p{L}\p{N}\p{Emoji_Presentation}]+/u, "")).filter(Boolean);
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : [words[0] ?? name.trim()];
  return chosen.map((word) => firstCharacter(word ?? "")).join("").toUpperCase();
}

const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function firstCharacter(text: string): string {
  for (const { segment } of characters.segment(text)) return segment;
  return "";
}

export const TINTS = 8;

/** Returns a colour number that is always the same for an id. */
export function tintOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) % 9973;
  return sum % TINTS;
}
