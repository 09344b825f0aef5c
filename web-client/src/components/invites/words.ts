// Words about invites: how long they last, until when, and why one is refused.

import { isCode } from "../../../sdk/index";
import { errorText } from "../../logic/refusals";
import { locale, t } from "../../text/language";

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

/** Returns a number of seconds as whole days, or as hours below a day. */
export function duration(seconds: number): string {
  const [count, unit] = seconds < DAY_S ? [seconds / HOUR_S, "hour"] : [seconds / DAY_S, "day"];
  return numberOf(count, { style: "unit", unit, unitDisplay: "long" });
}

export const numberOf = (count: number, options: Intl.NumberFormatOptions = {}): string => new Intl.NumberFormat(locale(), options).format(count);

export const momentOf = (at: string): string => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));

/** Returns why an invite cannot be read or accepted. */
export function inviteRefusal(error: unknown): string {
  if (isCode(error, "not_found")) return t().invite.ended;
  return isCode(error, "conflict") ? t().invite.full : errorText(error);
}
