// The storage of this browser. If it is full or blocked, values are kept in memory, until the page is closed.

const memory = new Map<string, string>();

export function readStored(key: string): string | null {
  return memory.get(key) ?? lasting()?.getItem(key) ?? null;
}

export function writeStored(key: string, value: string): void {
  try {
    writeLasting(key, value);
  } catch {
    memory.set(key, value);
    lasting()?.removeItem(key); // an older value must not return when the page is opened again
  }
}

/** Writes a value that outlives the page, or fails. */
export function writeLasting(key: string, value: string): void {
  const storage = lasting();
  if (!storage) throw new Error("the browser blocks its storage");
  storage.setItem(key, value);
  memory.delete(key);
}

export function removeStored(key: string): void {
  memory.delete(key);
  lasting()?.removeItem(key);
}

export function storedKeys(prefix: string): string[] {
  const keys = new Set([...memory.keys(), ...Object.keys(lasting() ?? {})]);
  return [...keys].filter((key) => key.startsWith(prefix));
}

/** Returns undefined where the browser blocks storage, for example without cookies. */
function lasting(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
