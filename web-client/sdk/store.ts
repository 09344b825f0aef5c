// Where the SDK keeps the login and the unsent commands: in memory, or in a browser's IndexedDB.

/** Keeps values that can be JSON. Each method may fail, for example if the storage is full or blocked. */
export interface Store {
  /** Returns all values. */
  load(): Promise<Record<string, unknown>>;
  write(key: string, value: unknown): Promise<void>;
  remove(key: string): Promise<void>;
  /** Runs `work` while nobody else who shares this store does. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

/** Keeps values until the process or the page ends. */
export function memoryStore(): Store {
  const values = new Map<string, unknown>();
  return {
    load: async () => structuredClone(Object.fromEntries(values)),
    write: async (key, value) => void values.set(key, structuredClone(value)),
    remove: async (key) => void values.delete(key),
    exclusive: queue(),
  };
}

const TABLE = "values";

/** Keeps values in this browser. All pages of the origin that use the same name share them. */
export function indexedDbStore(name: string): Store {
  let opened: Promise<IDBDatabase> | undefined;
  const database = (): Promise<IDBDatabase> => {
    const reopen = () => (opened = undefined); // the next call tries again
    opened ??= openDatabase(name, reopen);
    opened.catch(reopen);
    return opened;
  };
  const run = async <T>(mode: IDBTransactionMode, work: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const transaction = (await database()).transaction(TABLE, mode);
    const request = work(transaction.objectStore(TABLE));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? request.error);
    });
  };
  return {
    async load() {
      const keys = await run("readonly", (table) => table.getAllKeys());
      const values = await run("readonly", (table) => table.getAll());
      return Object.fromEntries(keys.map((key, at) => [String(key), values[at]]));
    },
    write: async (key, value) => void (await run("readwrite", (table) => table.put(value, key))),
    remove: async (key) => void (await run("readwrite", (table) => table.delete(key))),
    exclusive: locked(name),
  };
}

function openDatabase(name: string, onClose: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onsuccess = () => {
      request.result.onclose = onClose;
      resolve(request.result);
    };
    request.onerror = request.onblocked = () => reject(request.error ?? new Error("the storage is blocked"));
  });
}

/** Returns a lock among all pages of this origin. Pages without TLS have no Web Locks, and lock only within the page. */
function locked(name: string): Store["exclusive"] {
  const { locks } = navigator;
  if (!locks) return queue();
  return async (work) => {
    let isLocked = false;
    try {
      return await (locks.request(name, () => {
        isLocked = true;
        return work();
      }) as ReturnType<typeof work>);
    } catch (error) {
      if (isLocked) throw error;
      return work(); // pages in a sandbox may not use locks
    }
  };
}

/** Returns a function that runs one piece of work after the other. */
export function queue(): Store["exclusive"] {
  let tail: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  };
}
