// Measures the page in long conversations and in long lists of them. Prints one line for each number of loaded messages, and
// one for each number of conversations: the times from the navigation of a logged-in user to the painted list.
//
// usage: long.mjs BASE_URL [--counts 50,1000,10000,100000] [--lists 50,1000] [--check]
//
// The gateway must run without rate limits. `--check` exits with 1 if a figure is over its limit: the times are of a
// machine that does nothing else, so only the sizes, the work of the main thread for the list, and the growth from the
// smallest count are checked.

import { parseArgs } from "node:util";
import * as actions from "./page.mjs";
import { eventually, Harness, inParallel } from "./harness.mjs";
import { listTimes } from "./list_time.mjs";

const { by } = actions;
const AT_ONCE = 64;
const KEYS = 40;
const SENDS = 20;
const LONE_ARRIVALS = 5;
const DEADLINE_MS = 10_000;
const ARRIVALS = 20;
/** Frames are made as soon as there is something to show: otherwise most of the time is waiting for the display. */
const WITHOUT_A_DISPLAY = ["--disable-frame-rate-limit", "--disable-gpu-vsync"];
/** Of the rows that an arriving message makes, one is its own. Without it, the view has left the end. */
const ROWS_MADE_MIN = 1;
/** A shift of the view may make another row. */
const LIMITS = { elements: 2_000, heap_mb: 40, rows_made: 3 };
/** The list is painted within a second, so the main thread must not work for longer. */
const LIST_LIMITS = { main: 1_000, main_first: 1_000 };
/** How much more work an action may be than in the shortest conversation. */
const GROWTH_MAX = 2;
/** Less work than this is noise. */
const NOISE_MS = 4;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { counts: { type: "string", default: "50,1000,10000,100000" }, lists: { type: "string", default: "50,1000" }, check: { type: "boolean", default: false } },
});
const base = positionals[0]?.replace(/\/$/, "");
if (!base) {
  console.error("usage: long.mjs BASE_URL [--counts 50,1000,10000,100000] [--lists 50,1000] [--check]");
  process.exit(64);
}
const numbers = (list) => list.split(",").filter(Boolean).map(Number);
const [counts, lists] = [numbers(values.counts), numbers(values.lists)];

async function call(token, method, path, body) {
  const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(base + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? {} : answer.json();
}

/** Registers a user who writes over REST. */
async function writer(name) {
  const { user, session } = await call(undefined, "POST", "/v1/users", { username: name, password: actions.PASSWORD });
  return { id: user.id, name, token: session.access_token };
}

const write = (writer, conversation, client_id, text) =>
  call(writer.token, "POST", `/v1/conversations/${conversation}/messages`, { client_id, text });

const textOf = (at) => `message ${at} ${"with some more words ".repeat(at % 5)}`.trim();

const fill = (writer, conversation, count) =>
  inParallel(count, AT_ONCE, (at) => write(writer, conversation, `m${at}`, textOf(at)));

/** Marks the conversation as read, so that it opens at its end. */
async function readAll(token, conversation) {
  const { head_seq } = await call(token, "GET", `/v1/conversations/${conversation}`);
  await call(token, "POST", `/v1/conversations/${conversation}/receipts`, { read_seq: head_seq });
}

/** Scrolls up until the start of the conversation is loaded. */
async function loadAll(page) {
  await by(page, "timeline").evaluate(async (box) => {
    const isAtStart = () => box.querySelector(".beginning")?.textContent.includes("start of the conversation");
    while (!isAtStart()) {
      box.scrollTop = 0;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
}

const percentile = (times, percent) => times.toSorted((a, b) => a - b)[Math.ceil((times.length * percent) / 100) - 1] ?? 0;
const rounded = (value) => Math.round(value * 10) / 10;

class Meter {
  constructor(page, cdp) {
    this.page = page;
    this.cdp = cdp;
  }

  static async of(page) {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("Performance.enable", { timeDomain: "threadTicks" }); // not counting what other programs take of the time
    return new Meter(page, cdp);
  }

  /** Returns the processor time of the main thread since the page was opened, in milliseconds. */
  async worked() {
    const { metrics } = await this.cdp.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
  }

  /** Returns the work of the main thread for each of `count` actions. */
  async workOf(count, act) {
    await this.page.waitForTimeout(300);
    const before = await this.worked();
    for (let at = 0; at < count; at += 1) await act(at);
    await this.page.waitForTimeout(300);
    return ((await this.worked()) - before) / count;
  }

  /** Reads the files of the page from the gateway from now on. */
  async withoutCache() {
    await this.cdp.send("Network.enable");
    await this.cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
    await this.cdp.send("Network.setBypassServiceWorker", { bypass: true });
  }

  async heap() {
    await this.cdp.send("HeapProfiler.enable");
    for (let at = 0; at < 3; at += 1) await this.cdp.send("HeapProfiler.collectGarbage");
    await this.cdp.send("HeapProfiler.disable");
    return (await this.cdp.send("Runtime.getHeapUsage")).usedSize / 1e6;
  }
}

/** Defines `afterFrame` in the page: it calls back when the next frame has been made. */
const defineAfterFrame = (page) =>
  page.evaluate(() => {
    window.afterFrame = (then) => requestAnimationFrame(() => void scheduler.postTask(then, { priority: "user-blocking" }));
  });

/** Presses keys in the page, and returns the times from each event to the end of the frame that shows it. */
async function keyTimes(page) {
  await defineAfterFrame(page);
  await by(page, "composer").focus();
  await page.evaluate(() => {
    window.keyTimes = [];
    const field = document.querySelector("[data-testid=composer]");
    field.addEventListener("keydown", ({ timeStamp }) => window.afterFrame(() => window.keyTimes.push(performance.now() - timeStamp)));
  });
  for (let at = 0; at < KEYS; at += 1) {
    await page.keyboard.press("a");
    await page.waitForTimeout(7 + ((at * 5) % 17));
  }
  const keys = await page.evaluate(() => window.keyTimes.splice(0));
  const sends = [];
  for (let at = 0; at < SENDS; at += 1) {
    const text = `sent ${at} ${Date.now()}`;
    await by(page, "composer").fill(text);
    await page.waitForTimeout(100); // the frame with the text has been made
    sends.push(await enterToVisible(page, text));
  }
  return { keys, sends };
}

/** Presses Enter, and returns the time until a frame has the whole message in the view. */
async function enterToVisible(page, text) {
  await page.evaluate(
    ({ text, deadline }) => {
      const box = document.querySelector("[data-testid=timeline]");
      const field = document.querySelector("[data-testid=composer]");
      const view = () => box.getBoundingClientRect().bottom;
      const row = () => [...box.querySelectorAll("[data-testid=message]")].find((row) => row.textContent.includes(text));
      window.shown = new Promise((resolve, reject) => {
        field.addEventListener("keydown", ({ timeStamp }) => {
          const look = () => {
            const bottom = row()?.getBoundingClientRect().bottom;
            const took = performance.now() - timeStamp;
            if (bottom <= view()) resolve(took);
            else if (took < deadline) window.afterFrame(look);
            else reject(new Error(`${text} is not in the view: ${bottom} of ${view()}`));
          };
          window.afterFrame(look);
        }, { once: true });
      });
    },
    { text, deadline: DEADLINE_MS },
  );
  await page.keyboard.press("Enter");
  return page.evaluate(() => window.shown);
}

/** The least that a page can do: a field, and a box with a line for each text that was entered. */
const FLOOR = `
  <div data-testid="timeline" style="height: 300px; overflow: auto"></div>
  <textarea data-testid="composer"></textarea>
  <script>
    const [box, field] = document.body.children;
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      const row = document.createElement("div");
      row.dataset.testid = "message";
      row.textContent = field.value;
      box.append(row);
      box.scrollTop = box.scrollHeight;
      field.value = "";
    });
  </script>`;

const frames = (keys, sends) => ({
  key_p50: percentile(keys, 50), key_p95: percentile(keys, 95), enter_p50: percentile(sends, 50), enter_p95: percentile(sends, 95),
});

/** Measures keys and Enter in a page that does nothing else. */
async function measureFloor(harness) {
  const { page, context } = await harness.person("floor");
  await page.goto("about:blank");
  await page.setContent(FLOOR);
  const { keys, sends } = await keyTimes(page);
  await context.close();
  return frames(keys, sends);
}

async function measure(harness, count) {
  const run = `${Date.now().toString(36)}${count}`;
  const reader = await harness.person("reader");
  await actions.register(reader.page, `reader-${run}`, "Reader");
  const stored = (key) => reader.page.evaluate((key) => JSON.parse(localStorage.getItem(`confab.${key}`)), key);
  const me = (await stored("user")).id;
  const other = await writer(`writer-${run}`);
  const { id } = await call(other.token, "POST", "/v1/conversations", { kind: "direct", user: me });
  await fill(other, id, count);
  await readAll((await stored("login")).access_token, id);
  await reader.page.goto(`${base}/#/c/${id}`);
  await reader.page.reload();
  await by(reader.page, "message").first().waitFor();
  const meter = await Meter.of(reader.page);
  const pages = Math.max(1, Math.ceil((count - 50) / 100));
  const prepend = await meter.workOf(pages, async (at) => at === 0 && (await loadAll(reader.page)));
  const heap_mb = await meter.heap();
  await by(reader.page, "to-end").click();
  await by(reader.page, "to-end").waitFor({ state: "detached" });
  const key = await meter.workOf(KEYS, () => reader.page.keyboard.press("a"));
  const { keys, sends } = await keyTimes(reader.page);
  const arrival = await meter.workOf(ARRIVALS, (at) => write(other, id, `a${at}`, `arrived ${at}`));
  await eventually("the last arrival", () => by(reader.page, "message").filter({ hasText: `arrived ${ARRIVALS - 1}` }).count());
  let rows_made = 0;
  for (let at = 0; at < LONE_ARRIVALS; at += 1) {
    rows_made += (await actions.rowsMade(reader.page, () => write(other, id, `b${at}`, `arrived alone ${at}`))) / LONE_ARRIVALS;
  }
  const elements = await reader.page.evaluate(() => document.querySelectorAll("*").length);
  await reader.context.close();
  return { count, key, ...frames(keys, sends), arrival, rows_made, prepend, heap_mb, elements };
}

/** Returns what is over its limit. */
function excesses(figures) {
  const first = figures[0];
  return figures.flatMap((it) => [
    ...(it.rows_made < ROWS_MADE_MIN ? [`${it.count}: rows_made ${rounded(it.rows_made)} < ${ROWS_MADE_MIN}`] : []),
    ...Object.entries(LIMITS).filter(([name, max]) => it[name] > max).map(([name, max]) => `${it.count}: ${name} ${rounded(it[name])} > ${max}`),
    ...["key", "arrival"].filter((name) => it[name] > Math.max(NOISE_MS, GROWTH_MAX * first[name]))
      .map((name) => `${it.count}: ${name} ${rounded(it[name])} ms, but ${rounded(first[name])} ms for ${first.count}`),
  ]);
}

/** Returns what is over its limit in the lists. */
function listExcesses(figures) {
  const first = figures[0];
  return figures.flatMap((it) => Object.entries(LIST_LIMITS).flatMap(([name, max]) => [
    ...(it[name] > max ? [`list of ${it.conversations}: ${name} ${rounded(it[name])} > ${max}`] : []),
    ...(it[name] > GROWTH_MAX * first[name] ? [`list of ${it.conversations}: ${name} ${rounded(it[name])} ms, but ${rounded(first[name])} ms for ${first.conversations}`] : []),
  ]));
}

const line = (figures) => Object.entries(figures).map(([name, value]) => `${name} ${rounded(value)}`).join("  ");
const print = (figures) => console.log(line(figures));

const harness = new Harness({ base, flags: WITHOUT_A_DISPLAY });
await harness.open();
const figures = [];
const listFigures = [];
try {
  if (counts.length > 0) console.log(`an empty page  ${line(await measureFloor(harness))}`);
  for (const count of counts) {
    const it = await measure(harness, count);
    figures.push(it);
    print(it);
  }
  for (const count of lists) {
    const it = await listTimes(harness, Meter.of, count);
    listFigures.push(it);
    print(it);
  }
} finally {
  await harness.close();
}
const over = values.check ? [...excesses(figures), ...listExcesses(listFigures)] : [];
for (const line of over) console.log(`OVER ${line}`);
process.exitCode = over.length > 0 ? 1 : 0;
