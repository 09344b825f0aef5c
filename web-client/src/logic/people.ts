// Finds people by the start of a word of their name.

import type { User } from "../../sdk/index";

/** Returns true if a word of the display name or the user name starts with the query. Case and accents do not matter. */
export function isNamed(user: User | undefined, query: string): boolean {
  const wanted = folded(query.trim().replace(/^@/, ""));
  if (!wanted) return true;
  const words = folded(user?.display_name ?? "").split(/\s+/);
  return [user?.username ?? "", folded(user?.display_name ?? ""), ...words].some((word) => word.startsWith(wanted));
}

function folded(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
