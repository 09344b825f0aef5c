// Where the login lives in this browser, and how tabs take turns in renewing it.

import type { LoginStore, StoredLogin, User } from "../../sdk";

const LOGIN_KEY = "confab.login";
const USER_KEY = "confab.user";
const LOCK_NAME = "confab.renew";
const MUTEX_KEY = "confab.renewing";
const MUTEX_MS = 10_000;
const MUTEX_LOOK_MS = 120;

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

/** Tells when another tab logged in or out. */
export function onOtherTab(changed: () => void): () => void {
  const listen = (event: StorageEvent) => {
    if (event.key === LOGIN_KEY || event.key === USER_KEY || event.key === null) changed();
  };
  addEventListener("storage", listen);
  return () => removeEventListener("storage", listen);
}

/** Where the page is not served securely there are no locks: a mark in the storage, which runs out. */
async function withMutex<T>(work: () => Promise<T>): Promise<T> {
  const mine = `${Date.now() + MUTEX_MS}.${Math.random()}`;
  while (!(await take(mine))) await sleep(MUTEX_LOOK_MS);
  try {
    return await work();
  } finally {
    if (localStorage.getItem(MUTEX_KEY) === mine) localStorage.removeItem(MUTEX_KEY);
  }
}

async function take(mine: string): Promise<boolean> {
  const other = localStorage.getItem(MUTEX_KEY);
  if (other && Number.parseFloat(other) > Date.now()) return false;
  localStorage.setItem(MUTEX_KEY, mine);
  await sleep(MUTEX_LOOK_MS / 2); // whoever wrote last holds it
  return localStorage.getItem(MUTEX_KEY) === mine;
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
