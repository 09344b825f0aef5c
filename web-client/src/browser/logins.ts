// Stores the login in this browser, and lets only one tab renew it at a time.

import type { LoginStore, StoredLogin, User } from "../../sdk/index";
import { storageKey } from "./place";
import { readStored, removeStored, writeStored } from "./storage";

const loginKey = () => storageKey("login");
const userKey = () => storageKey("user");
const lockName = () => storageKey("renew");
const mutexKey = () => storageKey("renewing");
const MUTEX_MS = 10_000;
const MUTEX_POLL_MS = 120;

export const logins: LoginStore = {
  load: () => read<StoredLogin>(loginKey()),
  save(login) {
    if (login) return writeStored(loginKey(), JSON.stringify(login));
    removeStored(loginKey());
    removeStored(userKey());
  },
  exclusive: (work) => (navigator.locks ? navigator.locks.request(lockName(), work) : withMutex(work)),
};

export const loadUser = (): User | undefined => (logins.load() ? read<User>(userKey()) : undefined);
export const saveUser = (user: User): void => writeStored(userKey(), JSON.stringify(user));

/** Calls `changed` when another tab logs in or out. Returns a function that removes the listener. */
export function onLoginChange(changed: () => void): () => void {
  const listen = (event: StorageEvent) => {
    if (event.key === loginKey() || event.key === userKey() || event.key === null) changed();
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
    if (readStored(mutexKey()) === token) removeStored(mutexKey());
  }
}

async function tryLock(token: string): Promise<boolean> {
  const other = readStored(mutexKey());
  if (other && Number.parseFloat(other) > Date.now()) return false;
  writeStored(mutexKey(), token);
  await sleep(MUTEX_POLL_MS / 2); // the last writer holds the lock
  return readStored(mutexKey()) === token;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function read<T>(key: string): T | undefined {
  try {
    return (JSON.parse(readStored(key) ?? "null") as T | null) ?? undefined;
  } catch {
    return undefined;
  }
}
