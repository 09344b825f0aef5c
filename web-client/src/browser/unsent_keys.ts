// The storage keys of unsent commands. Logging out needs nothing else of them.

import { storageKey } from "./place";
import { removeStored, storedKeys } from "./storage";

export const unsentPrefix = (user: string): string => storageKey(`unsent.${user}.`);

/** Removes the commands of a user who logs out, so that they are not sent unasked at the next login. */
export function forgetUnsent(user: string): void {
  storedKeys(unsentPrefix(user)).forEach(removeStored);
}
