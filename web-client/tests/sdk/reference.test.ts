// Every export of the SDK has a comment, and is in the generated reference.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const SDK = join(import.meta.dirname, "../../sdk");
const REFERENCE = join(import.meta.dirname, "../../../docs/sdk");
const REFERENCE_BYTES_MAX = 200_000;
const ENTRIES = ["attachments", "index", "invites", "limits", "node", "search", "tabs", "testing"];

interface Exported {
  entry: string;
  name: string;
  module: string;
}

const read = (module: string) => readFileSync(join(SDK, `${module}.ts`), "utf8");

/** Returns what an entry exports: by itself, or from other modules. */
function exportsOf(entry: string): Exported[] {
  const source = read(entry);
  const own = [...source.matchAll(/^export (?:class|interface|type|function|const) (\w+)/gm)].map(([, name]) => ({ entry, name: name ?? "", module: entry }));
  const others = [...source.matchAll(/^export (?:type )?\{([^}]+)\} from "\.\/(\w+)\.js"/gm)].flatMap(([, names, module]) =>
    (names ?? "").split(",").map((name) => ({ entry, name: name.replace(/\btype\b/, "").trim(), module: module ?? "" })),
  );
  return [...own, ...others].filter(({ name }) => name !== "");
}

/** Wire types are exported from the module of their entries, too. */
const modulesOf = (module: string) => (module === "wire" ? ["wire", "entry"] : [module]);

function hasComment({ name, module }: Exported): boolean {
  const declaration = new RegExp(`\\*/\\nexport (?:class|interface|type|function|const) ${name}\\b`);
  return modulesOf(module).some((it) => declaration.test(read(it)));
}

/** Markdown escapes underscores. */
const hasHeading = (page: string, name: string) => new RegExp(`^### ${name}\\b`, "m").test(page.replaceAll("\\_", "_"));

const all = ENTRIES.flatMap(exportsOf);

it("every export has a comment", () => {
  expect(all.length).toBeGreaterThan(70);
  expect(all.filter((it) => !hasComment(it)).map(({ name }) => name)).toEqual([]);
});

it("reference names every export; run `npm run reference` after a change", () => {
  const missing = all.filter(({ entry, name }) => !hasHeading(readFileSync(join(REFERENCE, `${entry}.md`), "utf8"), name));
  expect(missing.map(({ entry, name }) => `${entry} ${name}`)).toEqual([]);
});

it("reference is small enough to be read", () => {
  const bytes = readdirSync(REFERENCE).reduce((sum, name) => sum + readFileSync(join(REFERENCE, name)).length, 0);
  expect(bytes).toBeLessThanOrEqual(REFERENCE_BYTES_MAX);
});
