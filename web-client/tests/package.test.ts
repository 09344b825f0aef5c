// Packs the SDK, installs it into an empty folder, and runs its README and its examples there.

import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createFakeServer, type FakeServer } from "../sdk/testing";

const SDK = join(import.meta.dirname, "../sdk");
const BROWSER = process.env["CONFAB_BROWSER"] ?? "/usr/bin/chromium";
const BYTES_MAX = 14_000;
const DEADLINE_MS = 60_000;
const run = promisify(execFile);

let folder: string;
let installed: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "confab-client-"));
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: SDK });
  writeFileSync(join(folder, "package.json"), "{}");
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${stdout.trim().split("\n").at(-1)}`], { cwd: folder });
  installed = join(folder, "node_modules/@confab/client");
}, DEADLINE_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("package has no dependencies, and its code is at most 14 KB compressed", () => {
  expect(Object.keys(JSON.parse(readFileSync(join(installed, "package.json"), "utf8")))).not.toContain("dependencies");
  expect(readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."))).toEqual(["@confab"]);
  const dist = join(installed, "dist");
  const loaded = importedBy(dist, "index.js");
  const bytes = loaded.reduce((sum, name) => sum + gzipSync(readFileSync(join(dist, name)), { level: 9 }).length, 0);
  expect(bytes).toBeLessThanOrEqual(BYTES_MAX);
});

it("first program of the README runs in Node", async () => {
  const program = /```js\n([\s\S]*?)```/.exec(readFileSync(join(installed, "README.md"), "utf8"))?.[1];
  writeFileSync(join(folder, "start.mjs"), program ?? "");
  const { stdout } = await run(process.execPath, ["start.mjs"], { cwd: folder, timeout: DEADLINE_MS });
  const lines = stdout.trim().split("\n");
  expect(lines).toEqual(expect.arrayContaining(["state: online", "message: I do", "stored as 4", "history: I do", "history: Who brings the cake?"]));
  expect(lines.at(-1)).toBe("state: ended");
}, DEADLINE_MS);

it("program about files of the README runs in Node", async () => {
  const programs = readFileSync(join(installed, "README.md"), "utf8").matchAll(/```js\n([\s\S]*?)```/g);
  const program = [...programs].map(([, code]) => code ?? "").find((code) => code.includes("@confab/client/attachments"));
  writeFileSync(join(folder, "files.mjs"), program ?? "");
  const { stdout } = await run(process.execPath, ["files.mjs"], { cwd: folder, timeout: DEADLINE_MS });
  expect(stdout.trim().split("\n")).toEqual(["13 of 13 bytes", "list.txt has: apples, bread"]);
}, DEADLINE_MS);

it("types are found by a project that resolves modules like Node", async () => {
  const program = `
    import { createConfab, type Message } from "@confab/client";
    import { fileStore } from "@confab/client/node";
    import { createFakeServer } from "@confab/client/testing";
    const confab = createConfab({ url: createFakeServer().url, auth: { getToken: async () => "" }, store: fileStore("x") });
    export const sent: Promise<Message> = (await confab.conversation("1")).send("hi");
    // @ts-expect-error a text is a string
    (await confab.conversation("1")).send(1);
  `;
  writeFileSync(join(folder, "typed.mts"), program);
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom", "--types", ""];
  await run(join(SDK, "../node_modules/.bin/tsc"), [...options, "typed.mts"], { cwd: folder });
}, DEADLINE_MS);

it("bot answers in Node, where sockets may be missing", async () => {
  const server = createFakeServer();
  const group = server.group("Bots", ["echo", "ada"]);
  const { url, stop } = await serve(server);
  const bot = spawn(process.execPath, [join(installed, "examples/bot.mjs"), url, "echo", "secret"], { cwd: folder });
  try {
    let output = "";
    bot.stdout.on("data", (data) => (output += data));
    await eventually(() => output.includes("ready"));
    server.say(group, "ada", "hello");
    await eventually(() => server.texts(group).includes("You said: hello"));
    expect(server.texts(group)).toEqual(["hello", "You said: hello"]);
  } finally {
    bot.kill();
    stop();
  }
}, DEADLINE_MS);

it("page without a build works in a browser", async ({ skip }) => {
  if (!existsSync(BROWSER)) {
    console.warn(`SKIPPED: there is no browser at ${BROWSER}`);
    return skip();
  }
  const server = createFakeServer();
  server.user("grace");
  const { url, stop } = await serve(server);
  const browser = await chromium.launch({ executablePath: BROWSER, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(`${url}/?user=ada&password=secret&with=grace`);
    await page.getByLabel("Message").fill("hi");
    await eventually(async () => ["online"].includes(await page.title()));
    await page.getByRole("button").click();
    await page.locator("li.sent").filter({ hasText: "hi" }).waitFor({ timeout: DEADLINE_MS });
    expect(await page.locator("li").allTextContents()).toEqual(["hi"]);
  } finally {
    await browser.close();
    stop();
  }
}, DEADLINE_MS);

/** Serves the fake server over HTTP, and the files of the example's page. It has no sockets, so clients use polls. */
async function serve(fake: FakeServer): Promise<{ url: string; stop: () => void }> {
  const http: Server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://here").pathname;
    if (!path.startsWith("/v1/")) {
      const file = path === "/" ? join(installed, "examples/index.html") : join(folder, path);
      if (!existsSync(file)) return void response.writeHead(404).end();
      return void response.writeHead(200, { "Content-Type": path === "/" ? "text/html" : "text/javascript" }).end(readFileSync(file));
    }
    const body = (await request.toArray()).join("");
    const headers = { Authorization: request.headers.authorization ?? "" };
    const init = { method: request.method ?? "GET", headers, ...(body ? { body } : {}) };
    const answer = await fake.environment.fetch(`${fake.url}${request.url}`, init);
    response.writeHead(answer.status, { "Content-Type": "application/json" }).end(await answer.text());
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    http.closeAllConnections();
    http.close();
  };
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, stop };
}

/** Returns a file and everything that it imports at once. */
function importedBy(folder: string, name: string, found = new Set<string>()): string[] {
  if (found.has(name)) return [];
  found.add(name);
  const source = readFileSync(join(folder, name), "utf8");
  for (const [, next] of source.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) importedBy(folder, next ?? "", found);
  return [...found];
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + DEADLINE_MS / 2;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error("the condition was not met in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
