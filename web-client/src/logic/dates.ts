// Formats dates and lists of names in full, in the language of the page.

import { locale, t } from "../text/language";
import { isolated } from "../text/sentence";
import { daysApart, perLanguage } from "./format";

const formats = perLanguage((locale) => {
  const date = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options);
  return {
    weekday: date({ weekday: "long" }),
    day: date({ day: "numeric", month: "long" }),
    dayOfYear: date({ day: "numeric", month: "long", year: "numeric" }),
    full: date({ dateStyle: "full", timeStyle: "medium" }),
    relative: new Intl.RelativeTimeFormat(locale, { numeric: "auto" }),
    names: new Intl.ListFormat(locale, { style: "long", type: "conjunction" }),
  };
});

export const dateOf = (at: string): string => formats().dayOfYear.format(new Date(at));
export const fullTime = (at: string): string => formats().full.format(new Date(at));

export function dayName(at: string, now: Date): string {
  const date = new Date(at);
  const days = daysApart(date, now);
  if (days === 0 || days === 1) return capital(formats().relative.format(-days, "day"));
  if (days > 1 && days < 7) return formats().weekday.format(date);
  return date.getFullYear() === now.getFullYear() ? formats().day.format(date) : formats().dayOfYear.format(date);
}

/** Lists at most `max` names, and the number of those that are left out. */
export function listedUpTo(max: number, names: string[]): string {
  if (names.length <= max) return listed(names);
  return listed([...names.slice(0, max - 1), t().presence.others(names.length - max + 1)]);
}

export function listed(names: string[]): string {
  return formats().names.format(names.map(isolated));
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(locale()) + text.slice(1);
}
