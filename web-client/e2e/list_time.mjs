// Measures how long a logged-in user waits for the list of conversations, from the navigation to the painted list.

import * as actions from "./page.mjs";
import { DEADLINE_MS, inParallel, within } from "./harness.mjs";
import { RestUser } from "./rest.mjs";

const { by } = actions;
const AT_ONCE = 16;
const LOADS = 7;
/** More than the view has. */
const ROWS = 20;

/** Runs in the page before its own scripts. `listPainted` becomes the time at which the frame with the rows was complete. */
function notePaint(rows) {
  window.listPainted = new Promise((resolve) => {
    const look = () => {
      if (document.querySelectorAll("[data-testid=conversation-item]").length < rows) return requestAnimationFrame(look);
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => resolve(performance.now());
        channel.port2.postMessage(0);
      });
    };
    requestAnimationFrame(look);
  });
}

/** Makes groups in which this user or another one has written last. */
const fill = (user, other, count) =>
  inParallel(count, AT_ONCE, async (at) => {
    const id = await user.openGroup(`Group ${at} of ${count}`, [other]);
    await other.accept(id);
    await (at % 2 ? user : other).send(id, `The newest message of group ${at}`);
  });

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/**
 * Returns the medians over some loads, in milliseconds: `elapsed` and the work of the main thread (`main`), with the files of
 * the page in the browser's cache, and `elapsed_first` and `main_first` without.
 */
export async function listTimes(harness, meterOf, count) {
  const { base } = harness.options;
  const run = `${Date.now().toString(36)}${count}`;
  const [user, other] = [await RestUser.register(base, `lists-${run}`, "Reader"), await RestUser.register(base, `other-${run}`, "Writer")];
  await fill(user, other, count);
  const { page, context } = await harness.person("lists");
  await actions.logIn(page, user.username);
  await page.addInitScript(notePaint, Math.min(ROWS, count));
  const meter = await meterOf(page);
  const load = async () => {
    await page.reload({ waitUntil: "commit" });
    const elapsed = await within(DEADLINE_MS, page.evaluate(() => window.listPainted));
    return { elapsed, main: await meter.worked() };
  };
  const loads = async () => {
    const all = [];
    for (let at = 0; at < LOADS; at += 1) all.push(await load());
    return { elapsed: median(all.map((it) => it.elapsed)), main: median(all.map((it) => it.main)) };
  };
  await load(); // fills the cache
  const { elapsed, main } = await loads();
  await meter.withoutCache();
  const first = await loads();
  await by(page, "conversation-item").nth(ROWS).waitFor();
  await context.close();
  harness.pages.delete("lists");
  return { conversations: count, elapsed, main, elapsed_first: first.elapsed, main_first: first.main };
}
