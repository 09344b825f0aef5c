// Checks the built page, which is committed and embedded in the gateway.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, it } from "vitest";

const FOLDER = join(import.meta.dirname, "../dist");
const FIRST_LOAD_BYTES_MAX = 60_000;

const names = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
  .filter((file) => file.isFile())
  .map((file) => join(file.parentPath, file.name));
const originals = names.filter((name) => !/\.(br|gz)$/.test(name));
const read = (name: string): Buffer => readFileSync(name);

it("compressed files contain the same bytes as their originals", () => {
  expect(originals.length).toBeGreaterThan(2);
  expect(names).toHaveLength(3 * originals.length);
  for (const name of originals) {
    expect(brotliDecompressSync(read(`${name}.br`)).equals(read(name)), name).toBe(true);
    expect(gunzipSync(read(`${name}.gz`)).equals(read(name)), name).toBe(true);
  }
});

const page = read(join(FOLDER, "index.html")).toString();
const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1] ?? "");

it("first load stays within its budget in each encoding", () => {
  const first = [join(FOLDER, "index.html"), ...addresses.map((address) => join(FOLDER, address))];
  expect(originals).toEqual(expect.arrayContaining(first));
  for (const suffix of [".br", ".gz"]) {
    const bytes = first.reduce((sum, name) => sum + read(name + suffix).length, 0);
    expect(bytes, suffix).toBeLessThanOrEqual(FIRST_LOAD_BYTES_MAX);
  }
});

it("page names its files relative to itself, so that a proxy can serve it under a path", () => {
  expect(addresses.length).toBeGreaterThan(2);
  expect(addresses.filter((address) => !address.startsWith("./"))).toEqual([]);
});
