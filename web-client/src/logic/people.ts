// Finds people and conversations by the start of a word of their name.

import type { User } from "../../sdk/index";

/** Returns true if a word of the display name or the user name starts with the query. Case and accents do not matter. */
export function isNamed(user: User | undefined, query: string): boolean {
  const wanted = query.trim().replace(/^@/, "");
  return isTitled(user?.display_name ?? "", wanted) || isTitled(user?.username ?? "", wanted);
}

/** Returns true if the title, or a word of it, starts with the query. Case and accents do not matter. */
export function isTitled(title: string, query: string): boolean {
  const wanted = folded(query.trim());
  const whole = folded(title);
  return wanted === "" || [whole, ...whole.split(/\s+/)].some((text) => text.startsWith(wanted));
}

function folded(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
