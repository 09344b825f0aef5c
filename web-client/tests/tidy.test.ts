// House rules that the compiler does not check.

import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const FOLDERS = ["sdk", "src", "tests", "e2e"];
const BUILT = join(ROOT, "sdk", "dist") + sep;
const LINES_MAX = 400;

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .filter((file) => !file.startsWith(BUILT)),
);
const read = (file: string) => readFileSync(file, "utf8");
const having = (pattern: RegExp, among: string[]) => among.filter((file) => pattern.test(read(file)));
const inFolder = (folder: string) => files.filter((file) => file.startsWith(join(ROOT, folder) + sep));
const shipped = [...inFolder("sdk"), ...inFolder("src")];

it("shipped code never parses HTML or evaluates code from text", () => {
  expect(having(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function\(/, shipped)).toEqual([]);
});

it("markup has no inline styles or handlers", () => {
  expect(having(/\sstyle=|\son[a-z]+="/, shipped)).toEqual([]);
});

it("SDK imports nothing but its own files, and those of Node in one of them", () => {
  const modules = inFolder("sdk").filter((file) => file.endsWith(".ts"));
  expect(having(/from "(?!\.\/)/, modules)).toEqual([join(ROOT, "sdk", "node.ts")]);
  expect(having(/from "(?!\.\/|node:)/, modules)).toEqual([]);
});

it("page uses only the public exports of the SDK", () => {
  expect(having(/from "(\.\.\/)+sdk\/(?!(index|tabs|attachments|invites|search)")/, inFolder("src"))).toEqual([]);
});

it("files have at most 400 lines", () => {
  const written = files.filter((file) => !file.endsWith(".generated.ts"));
  expect(written.filter((file) => read(file).split("\n").length > LINES_MAX)).toEqual([]);
});

it("every module starts with a comment on its purpose", () => {
  const modules = shipped.filter((file) => /\.tsx?$/.test(file));
  expect(modules.filter((file) => !read(file).startsWith("// "))).toEqual([]);
});

it("lock file names no registry", () => {
  expect(read(join(ROOT, "package-lock.json"))).not.toMatch(/"resolved"|registry/);
});
