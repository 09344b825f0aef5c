// Steps with texts, names and titles that try to run code in the page of somebody else.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";
import { BASES, TEXTS } from "./injection_strings.mjs";

const { by } = actions;
const TEXTS_MIN = 130;
const NAMES = BASES.slice(0, 12);
/** The elements that a message consists of, and the schemes of its links. */
const TAGS = ["a", "blockquote", "button", "code", "del", "div", "em", "li", "ol", "p", "path", "pre", "span", "strong", "svg", "ul"];
const SCHEMES = ["http:", "https:", "mailto:"];

export async function injection({ step, people, ada, grace }) {
  const pages = [ada.page, grace.page];
  const dialogs = [];
  for (const page of pages) page.on("dialog", (dialog) => dialogs.push(dialog.message()));
  const nothingRan = async (what) => {
    for (const page of pages) equal(await page.evaluate(() => window.__pwned), undefined, `code that ran from ${what}`);
    equal(dialogs.join(), "", `dialogs from ${what}`);
  };

  await step(`${TEXTS.length} texts run no code, and become only known elements and safe links`, async () => {
    equal(TEXTS.length >= TEXTS_MIN, true, "enough texts");
    await actions.openGroup(ada.page, "Injection", [await actions.userId(grace.page)]);
    await actions.openConversation(ada.page, "Injection");
    const id = await actions.openedId(ada.page);
    await actions.sendMany(ada.page, id, [...TEXTS, "the end of the texts"]);
    await actions.openConversation(grace.page, "Injection");
    await by(grace.page, "to-end").click();
    await actions.isVisible(grace.page, "the end of the texts");
    await by(grace.page, "composer").fill(BASES[0]);
    await actions.scrollToBeginning(grace.page);
    const shown = await everything(grace.page);
    equal(shown.count >= TEXTS.length, true, `texts that were shown: ${shown.count}`);
    equal(shown.tags.filter((tag) => !TAGS.includes(tag)).join(), "", "elements that a message must not have");
    equal(shown.handlers, 0, "elements with handlers");
    equal(shown.schemes.filter((scheme) => !SCHEMES.includes(scheme)).join(), "", "schemes of links");
    await nothingRan("texts");
  });
  await step(`${BASES.length} titles run no code`, async () => {
    const id = await actions.openedId(ada.page);
    for (const title of BASES) await actions.rename(ada.page, id, title);
    await by(grace.page, "header-title").filter({ hasText: "constructor" }).waitFor();
    await everything(grace.page);
    await nothingRan("titles");
    await actions.rename(ada.page, id, "Injection");
  });
  await step(`${NAMES.length} names run no code`, async () => {
    await by(grace.page, "show-members").click();
    for (const name of NAMES) {
      await actions.changeName(ada.page, name);
      await grace.page.reload();
      await by(grace.page, "conversation-title").getByText(name, { exact: true }).first().waitFor();
      await by(grace.page, "show-members").click();
      await by(grace.page, "member-item").filter({ hasText: name }).waitFor();
      await nothingRan("names");
    }
    await actions.changeName(ada.page, people.ada.name);
    await grace.page.reload();
  });
  await step("addresses of the page run no code", async () => {
    for (const text of BASES.slice(0, 8)) {
      await grace.page.evaluate((hash) => (location.hash = hash), `#/c/${text}`);
      await grace.page.evaluate((hash) => (location.hash = hash), `#${text}`);
    }
    await eventually("the list", () => by(grace.page, "me").isVisible());
    await nothingRan("addresses");
  });
}

/** Scrolls through all messages, and returns what they consist of. */
function everything(page) {
  return by(page, "timeline").evaluate(async (box) => {
    const seqs = new Set();
    const tags = new Set();
    const schemes = new Set();
    let handlers = 0;
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    for (box.scrollTop = 0; ; box.scrollTop += box.clientHeight / 2) {
      await frame();
      for (const text of box.querySelectorAll("[data-testid=message-text]")) {
        seqs.add(text.closest("[data-seq]").dataset.seq);
        for (const element of text.querySelectorAll("*")) {
          tags.add(element.localName);
          if (element.localName === "a") schemes.add(element.protocol);
          handlers += element.getAttributeNames().filter((name) => name.startsWith("on")).length;
        }
      }
      if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) break;
    }
    return { count: seqs.size, tags: [...tags], schemes: [...schemes], handlers };
  });
}
