// Steps for the bubbles of messages: they are as narrow as their lines and their time.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";
import { RestUser } from "./rest.mjs";

const { by } = actions;
const SLACK_PX = 2;
const SIZES = [{ width: 1280, height: 900 }, { width: 390, height: 844 }];
const SENTENCE = "The night train to the coast leaves at ten from the last platform and has a dining car with tea and cake";

export async function bubbles({ step, harness }) {
  const run = Date.now().toString(36);
  const { base } = harness.options;
  const [una, vic] = await Promise.all(["Una Day", "Vic Wood"].map((name) => RestUser.register(base, `${name.slice(0, 3).toLowerCase()}-${run}`, name)));
  const id = await una.openDirect(vic);
  await vic.accept(id);
  const words = SENTENCE.split(" ");
  for (let count = 4; count <= words.length; count += 1) await (count % 2 ? una : vic).send(id, words.slice(0, count).join(" "));
  const quoted = await vic.send(id, "A much longer line that is quoted below, and that is not cut");
  await una.send(id, "Yes\nand no", { reply_to: quoted });
  await una.send(id, "Ärger mit `code` und **fett** und noch so einigem mehr, https://example.org/a/b/c/d/e/f/g/h/i/j/k");
  await vic.send(id, "הרכבת יוצאת בעשר מהרציף האחרון ויש בה קרון מסעדה with tea and cake ועוד הרבה דברים טובים");
  const last = await una.send(id, "Short");

  const browser = await harness.person("una", { viewport: SIZES[0] });
  const { page } = browser;
  await step("a bubble is as narrow as its lines and its time, also after the window has changed", async () => {
    await actions.logIn(page, una.username);
    await actions.openConversation(page, vic.name);
    await actions.isVisible(page, "Short");
    for (const size of [...SIZES, SIZES[0]]) {
      await page.setViewportSize(size);
      await eventually("narrow bubbles", async () => (await wideBubbles(page)).length === 0).catch(() => undefined);
      equal((await wideBubbles(page)).join("; "), "", `bubbles that are too wide at ${size.width} px`);
      equal((await movedRows(page)).join(), "", `rows with another height at ${size.width} px`);
      await harness.screen(`61-bubbles-${size.width}`, page);
    }
  });
  await step("a bubble follows an edit of its text", async () => {
    await actions.edit(page, id, last, "The train waits for nobody at all, not even for us two, and it is always on time");
    await actions.isVisible(page, "The train waits for nobody at all, not even for us two, and it is always on time");
    await eventually("a narrow bubble", async () => (await wideBubbles(page)).length === 0);
    await actions.edit(page, id, last, "Or not");
    await actions.isVisible(page, "Or not");
    const width = async () => (await actions.message(page, "Or not").locator(".bubble").boundingBox()).width;
    await eventually("a short bubble", async () => (await width()) < 200);
  });
  await browser.context.close();
  harness.pages.delete("una");
}

/** Returns the texts of messages with more room than their lines, their time and what is above them need. */
const wideBubbles = (page) =>
  by(page, "timeline").evaluate((box, slack) => {
    const rangeOf = (element) => {
      const range = document.createRange();
      range.selectNodeContents(element);
      return [...range.getClientRects()];
    };
    const wide = (bubble) => {
      const { left, right } = bubble.getBoundingClientRect();
      const inner = right - left - 24;
      const rects = rangeOf(bubble.querySelector(".message-text"));
      const bottom = Math.max(...rects.map((rect) => rect.bottom));
      const last = rects.filter((rect) => rect.bottom > bottom - 8);
      const lines = Object.values(Object.groupBy(rects, (rect) => Math.round(rect.bottom / 12)));
      const widthOf = (parts) => Math.max(...parts.map((rect) => rect.right)) - Math.min(...parts.map((rect) => rect.left));
      const meta = bubble.querySelector(".message-meta").getBoundingClientRect();
      const withMeta = (meta.top < bottom ? widthOf(last) : 0) + meta.width + 12;
      const quote = bubble.querySelector(".quote");
      const quoted = quote ? widthOf(rangeOf(quote)) + 23 : 0;
      return inner - Math.max(...lines.map(widthOf), withMeta, quoted) > slack;
    };
    return [...box.querySelectorAll(".bubble")].filter(wide).map((bubble) => `${bubble.textContent} ${bubble.getBoundingClientRect().width}`);
  }, SLACK_PX);

/** Returns the texts of messages that have another height when their bubbles are as wide as the browser makes them. */
const movedRows = (page) =>
  by(page, "timeline").evaluate((box) =>
    [...box.querySelectorAll(".bubble")].flatMap((bubble) => {
      const { width } = bubble.style;
      const before = bubble.getBoundingClientRect().height;
      bubble.style.width = "";
      const natural = bubble.getBoundingClientRect().height;
      bubble.style.width = width;
      return before === natural ? [] : [bubble.textContent];
    }),
  );
