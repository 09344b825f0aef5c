// What the browser loads first, from the built files in `dist/`.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const DIST = join(import.meta.dirname, "..", "..", "dist");
const ASSETS = join(DIST, "assets");
const LOGIN_GZIP_MAX = 30_000;
const LIST_GZIP_MAX = 47_000;
/** Browsers ask for Brotli. */
const LIST_BROTLI_MAX = 45_000;

const names = readdirSync(ASSETS).filter((name) => /\.(js|css|svg)$/.test(name));
const read = (name: string) => readFileSync(join(ASSETS, name), "utf8");
const named = (part: string) => names.filter((name) => name.startsWith(`${part}-`));

/** Returns the files that some files import, and those files. */
function withImports(files: string[]): string[] {
  const imported = files.flatMap((name) => (name.endsWith(".js") ? [...read(name).matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)].map(([, to]) => to as string) : []));
  const all = [...new Set([...files, ...imported])];
  return all.length === files.length ? all : withImports(all);
}

const first = [...readFileSync(join(DIST, "index.html"), "utf8").matchAll(/assets\/([^"]+)/g)].map(([, name]) => name as string);
const sizeWith = (part: string, suffix: "gz" | "br") => {
  const files = withImports([...first, ...named(part), ...named("en")]).map((name) => join(ASSETS, name));
  return [...files, join(DIST, "index.html")].reduce((sum, name) => sum + readFileSync(`${name}.${suffix}`).length, 0);
};

it("login page and list of conversations load within their budgets", () => {
  expect(sizeWith("login_page", "gz")).toBeLessThanOrEqual(LOGIN_GZIP_MAX);
  expect(sizeWith("list", "gz")).toBeLessThanOrEqual(LIST_GZIP_MAX);
  expect(sizeWith("list", "br")).toBeLessThanOrEqual(LIST_BROTLI_MAX);
});

it("first screens do not load the conversation, the settings, previews of images or other languages", () => {
  const parts = ["conversation_pane", "settings", "blurred", "es", "de", "ar"].flatMap(named);
  expect(withImports([...first, ...named("login_page"), ...named("list"), ...named("en")]).filter((name) => parts.includes(name))).toEqual([]);
});

it("no part that is loaded first imports one that is loaded later", () => {
  const later = ["list", "login_page", "conversation_pane"].flatMap(named);
  expect(withImports(named("base")).filter((name) => later.includes(name))).toEqual([]);
});
