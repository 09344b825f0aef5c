// Stores the login in this browser, and lets only one tab renew it at a time.

import type { LoginStore, StoredLogin, User } from "../../sdk";

const LOGIN_KEY = "confab.login";
const USER_KEY = "confab.user";
const LOCK_NAME = "confab.renew";
const MUTEX_KEY = "confab.renewing";
const MUTEX_MS = 10_000;
const MUTEX_POLL_MS = 120;

export const logins: LoginStore = {
  load: () => read<StoredLogin>(LOGIN_KEY),
  save(login) {
    if (login) return localStorage.setItem(LOGIN_KEY, JSON.stringify(login));
    localStorage.removeItem(LOGIN_KEY);
    localStorage.removeItem(USER_KEY);
  },
  exclusive: (work) => (navigator.locks ? navigator.locks.request(LOCK_NAME, work) : withMutex(work)),
};

export const loadUser = (): User | undefined => (logins.load() ? read<User>(USER_KEY) : undefined);
export const saveUser = (user: User): void => localStorage.setItem(USER_KEY, JSON.stringify(user));

/** Calls `changed` when another tab logs in or out. Returns a function that removes the listener. */
export function onLoginChange(changed: () => void): () => void {
  const listen = (event: StorageEvent) => {
    if (event.key === LOGIN_KEY || event.key === USER_KEY || event.key === null) changed();
  };
  addEventListener("storage", listen);
  return () => removeEventListener("storage", listen);
}

/** Replaces Web Locks on pages that are served without TLS: a lock in the storage that expires. */
async function withMutex<T>(work: () => Promise<T>): Promise<T> {
  const token = `${Date.now() + MUTEX_MS}.${Math.random()}`;
  while (!(await tryLock(token))) await sleep(MUTEX_POLL_MS);
  try {
    return await work();
  } finally {
    if (localStorage.getItem(MUTEX_KEY) === token) localStorage.removeItem(MUTEX_KEY);
  }
}

async function tryLock(token: string): Promise<boolean> {
  const other = localStorage.getItem(MUTEX_KEY);
  if (other && Number.parseFloat(other) > Date.now()) return false;
  localStorage.setItem(MUTEX_KEY, token);
  await sleep(MUTEX_POLL_MS / 2); // the last writer holds the lock
  return localStorage.getItem(MUTEX_KEY) === token;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function read<T>(key: string): T | undefined {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? "null") as T | null) ?? undefined;
  } catch {
    return undefined;
  }
}
