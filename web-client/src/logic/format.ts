// Formats times and names for display, in the user's locale.

import type { Conversation, Presence, User } from "../../sdk/index";

const DAY_MS = 86_400_000;
const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const shortWeekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export const clockTime = (at: string): string => clock.format(new Date(at));
export const fullTime = (at: string): string => full.format(new Date(at));

/** Returns the number of calendar days between two times, in the local time zone. */
export function daysApart(earlier: Date, later: Date): number {
  const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(later) - midnight(earlier)) / DAY_MS);
}

export function dayName(at: string, now: Date): string {
  const date = new Date(at);
  const days = daysApart(date, now);
  if (days === 0 || days === 1) return capital(relative.format(-days, "day"));
  if (days > 1 && days < 7) return weekday.format(date);
  return date.getFullYear() === now.getFullYear() ? day.format(date) : dayOfYear.format(date);
}

/** Returns a short time for the list: the time today, the weekday within a week, otherwise the date. */
export function listTime(at: string, now: Date): string {
  const date = new Date(at);
  const days = daysApart(date, now);
  if (days <= 0) return clock.format(date);
  return days < 7 ? shortWeekday.format(date) : shortDay.format(date);
}

export function lastSeen(presence: Presence | undefined, now: Date): string {
  if (presence?.status === "online") return "Online";
  if (presence?.status === "away") return "Away";
  if (presence?.status !== "offline" || !presence.last_seen_at) return "";
  return `Last seen ${timeAgo(presence.last_seen_at, now)}`;
}

export function timeAgo(at: string, now: Date): string {
  const date = new Date(at);
  const minutes = Math.floor((now.getTime() - date.getTime()) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return relative.format(-minutes, "minute");
  const days = daysApart(date, now);
  if (days === 0) return `today at ${clock.format(date)}`;
  if (days === 1) return `yesterday at ${clock.format(date)}`;
  return shortDay.format(date);
}

export function nameOf(user: User | undefined): string {
  return user?.display_name?.trim() || user?.username || "…";
}

export function titleOf(conversation: Conversation): string {
  if (conversation.kind === "group") return conversation.title?.trim() || "Untitled group";
  return conversation.peer ? nameOf(conversation.peer) : "Direct conversation";
}

export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase();
}

export const TINTS = 8;

/** Returns a colour number that is always the same for an id. */
export function tintOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) % 9973;
  return sum % TINTS;
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

/** Lists at most `max` names, and the number of those that are left out. */
export function listedUpTo(max: number, names: string[]): string {
  if (names.length <= max) return listed(names);
  return listed([...names.slice(0, max - 1), `${names.length - max + 1} others`]);
}

export function listed(names: string[]): string {
  return new Intl.ListFormat(undefined, { style: "long", type: "conjunction" }).format(names);
}
