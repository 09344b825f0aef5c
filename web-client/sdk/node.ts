// A store in a file, for Node.

import { readFile, rename, writeFile } from "node:fs/promises";
import { queue, type Store } from "./store.js";

/** Keeps values in a JSON file that only its owner can read. One process at a time may use the file. */
export function fileStore(path: string): Store {
  const inOrder = queue();
  let values: Record<string, unknown> | undefined;

  const read = async (): Promise<Record<string, unknown>> => {
    values ??= await readFile(path, "utf8").then((text) => JSON.parse(text) as Record<string, unknown>, absent);
    return values;
  };
  const change = (work: (values: Record<string, unknown>) => void): Promise<void> =>
    inOrder(async () => {
      const next = { ...(await read()) };
      work(next);
      await writeFile(`${path}.new`, JSON.stringify(next), { mode: 0o600 });
      await rename(`${path}.new`, path);
      values = next;
    });
  return {
    load: () => inOrder(async () => structuredClone(await read())),
    write: (key, value) => change((next) => void (next[key] = value)),
    remove: (key) => change((next) => void delete next[key]),
    exclusive: queue(),
  };
}

function absent(error: unknown): Record<string, unknown> {
  if ((error as { code?: string }).code === "ENOENT") return {};
  throw error;
}
