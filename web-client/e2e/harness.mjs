// The harness of the browser scenarios: arguments, browser contexts, steps with deadlines, screenshots.

import { exec } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { chromium } from "playwright-core";

export const DEADLINE_MS = 15_000;
const STEP_DEADLINE_MS = 90_000;
/** How much of the text of a page explains a failure. */
const SHOWN_LENGTH = 600;
const BROWSER = process.env.CONFAB_BROWSER ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Further flags of the browser, with which it has a microphone. */
export const FAKE_MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { screenshots: { type: "string" }, "restart-command": { type: "string" } },
  });
  if (positionals.length !== 1) {
    console.error("usage: SCENARIO BASE_URL|BINARY [--screenshots FOLDER] [--restart-command COMMAND]");
    process.exit(64);
  }
  return { base: positionals[0].replace(/\/$/, ""), screenshots: values.screenshots, restart: values["restart-command"] };
}

export class Harness {
  passed = 0;
  failed = 0;
  errors = [];
  pages = new Map();

  constructor(options) {
    this.options = options;
    if (options.screenshots) mkdirSync(options.screenshots, { recursive: true });
  }

  async open() {
    this.browser = await chromium.launch({ executablePath: BROWSER, args: [...FLAGS, ...(this.options.flags ?? [])] });
  }

  /** Opens a separate browser context for a user. */
  async person(name, settings = {}, address = this.options.base) {
    const context = await this.browser.newContext({ viewport: { width: 1180, height: 760 }, ...settings });
    return { name, context, page: await this.page(name, context, address) };
  }

  async page(name, context, address = this.options.base) {
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    page.on("pageerror", (error) => this.errors.push(`${name}: ${error.stack}`));
    page.on("dialog", (dialog) => {
      this.errors.push(`${name}: a dialog was shown: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("console", (line) => {
      if (/Content.Security.Policy/i.test(line.text())) this.errors.push(`${name}: ${line.text()}`);
    });
    this.pages.set(name, page);
    await page.goto(address);
    return page;
  }

  /** Runs one step. The first failure prints the end of every page, takes a screenshot of it, and ends the scenario. */
  async step(title, work) {
    const began = Date.now();
    try {
      await within(STEP_DEADLINE_MS, work());
      this.passed += 1;
      console.log(`ok    ${title} (${Date.now() - began} ms)`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL  ${title}\n${error.stack ?? error}`);
      for (const [name, page] of this.pages) {
        console.log(`${name} showed: ${await shownBy(page)}`);
        await this.picture(`failed-${name}`, page).catch(() => undefined);
      }
      throw error;
    }
  }

  /** Takes a screenshot if they are asked for. */
  async picture(title, page) {
    if (!this.options.screenshots) return;
    await page.screenshot({ path: join(this.options.screenshots, `${title}.png`) });
  }

  /** Takes a screenshot, and checks the accessibility of what it shows. */
  async screen(title, page) {
    await motionsEnd(page);
    await this.picture(title, page);
    for (const problem of await accessibilityProblems(page)) this.errors.push(`${title}: ${problem}`);
  }

  /** Checks the accessibility of what is shown in each colour scheme. Takes a screenshot only of what has a problem. */
  async schemes(title, page) {
    for (const [colorScheme, rules] of [["light", undefined], ["dark", ["color-contrast"]]]) {
      await page.emulateMedia({ colorScheme });
      await motionsEnd(page);
      const problems = await accessibilityProblems(page, rules);
      for (const problem of problems) this.errors.push(`${title}, ${colorScheme}: ${problem}`);
      if (problems.length > 0) await this.picture(`${title}-${colorScheme}`, page);
    }
  }

  /** Runs the command that restarts the gateway. */
  async restart() {
    await promisify(exec)(this.options.restart);
  }

  /** Runs a scenario with a browser, and sets the exit code. */
  async run(scenario) {
    try {
      await this.open();
      await scenario();
    } catch (error) {
      if (this.failed === 0) {
        this.failed += 1;
        console.log(`FAIL  ${error.stack ?? error}`);
      }
    } finally {
      process.exitCode = (await this.close()) ? 0 : 1;
    }
  }

  async close() {
    await this.browser?.close();
    for (const error of this.errors) console.log(`ERROR ${error}`);
    console.log(`${this.passed} passed, ${this.failed + this.errors.length} failed`);
    return this.failed + this.errors.length === 0;
  }
}

/** Returns the state of the connection and the end of the page's text, to explain a failure without its screenshots. */
async function shownBy(page) {
  const read = page.evaluate((length) => {
    const { state } = document.querySelector("[data-testid=connection]")?.dataset ?? {};
    return `${state ?? "no connection"}, …${document.body.innerText.slice(-length).replaceAll(/\s+/g, " ")}`;
  }, SHOWN_LENGTH);
  return within(DEADLINE_MS, read).catch((error) => `nothing: ${error.message}`);
}

/** Waits until transitions have ended, because a half transparent element has a low contrast. */
function motionsEnd(page) {
  return page.evaluate(async () => {
    const isFinite = (animation) => animation.effect?.getComputedTiming().endTime !== Infinity;
    await Promise.all(document.getAnimations().filter(isFinite).map((animation) => animation.finished.catch(() => undefined)));
  });
}

/** Returns what axe finds, by all of its rules or by some. */
async function accessibilityProblems(page, rules) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  return page.evaluate(async (runOnly) => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"], ...(runOnly ? { runOnly } : {}) });
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id} at ${target}: ${help}`));
  }, rules);
}

export function within(ms, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export async function eventually(what, condition, ms = DEADLINE_MS) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    last = await condition();
    if (last) return last;
    if (Date.now() > end) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Calls `work` with each number below `count`, up to `atOnce` of them at the same time. */
export async function inParallel(count, atOnce, work) {
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < count; at = next++) await work(at);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

export function equal(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: expected ${expected}, got ${actual}`);
}
