// The login and the unsent commands of one user: read once from the store, and written behind.

import type { OutboxStore } from "./outbox.js";
import type { Store } from "./store.js";
import type { LoginStore, StoredLogin } from "./tokens.js";
import { unsentIn } from "./unsent.js";

const LOGIN = "login";
const USERNAME = "username";
const UNSENT = "unsent.";

export interface Kept {
  logins: LoginStore;
  unsent: OutboxStore;
  /** Removes everything. Called when the user logs out. */
  clear(): Promise<void>;
}

/**
 * Reads the store. What another user has kept is removed. A store that cannot be read is treated as empty, so that the
 * client works from memory.
 */
export async function openKept(given: Store, username: string | undefined): Promise<Kept> {
  const store = rejecting(given);
  let values = await store.load().catch((): Record<string, unknown> => ({}));
  const clear = async (): Promise<void> => {
    const stored = await store.load().catch(() => values); // other tabs have written, too
    await Promise.all(Object.keys(stored).map((key) => store.remove(key))).catch(() => undefined);
    values = {};
  };
  if (values[USERNAME] !== username) await clear();
  values[USERNAME] = username;
  let saved: Promise<unknown> = username === undefined ? Promise.resolve() : store.write(USERNAME, username).catch(() => undefined);

  const put = (key: string, value: unknown): Promise<void> => {
    values[key] = value;
    return store.write(key, value);
  };
  const remove = (key: string): Promise<void> => {
    delete values[key];
    return store.remove(key);
  };

  const logins: LoginStore = {
    load: () => values[LOGIN] as StoredLogin | undefined,
    save: (login) => {
      saved = (login ? put(LOGIN, login) : remove(LOGIN)).catch(() => undefined); // the login then lasts as long as the page
    },
    /** Runs `work` with the newest login, because another page may have renewed it. */
    exclusive: (work) =>
      store.exclusive(async () => {
        const current = await store.load().catch(() => values);
        if (current[LOGIN]) values[LOGIN] = current[LOGIN];
        const done = await work();
        await saved;
        return done;
      }),
  };
  const unsent = unsentIn({
    keys: () => Object.keys(values),
    read: (key) => values[key],
    write: put,
    remove: (key) => void remove(key).catch(() => undefined), // it is sent again, and the gateway detects the repeat
  }, UNSENT);
  return { logins, unsent, clear };
}

/** Turns errors that a store throws into rejections. */
function rejecting(store: Store): Store {
  return {
    load: async () => store.load(),
    write: async (key, value) => store.write(key, value),
    remove: async (key) => store.remove(key),
    exclusive: async (work) => store.exclusive(work),
  };
}
