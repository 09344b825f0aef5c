// Steps for reading: markup, long texts, large emoji.

import * as actions from "./page.mjs";
import { equal } from "./harness.mjs";

const { by } = actions;
const MARKUP = "**Release notes**\n> *Fast*, they said\n\n- one\n- two\n\n```rust\nfn main() {\n    println!(\"**hi**\");\n}\n```";
const CODE = 'fn main() {\n    println!("**hi**");\n}';
const INDENTED = "    four spaces\n  two";

export async function reading({ step, harness, people, ada, grace }) {
  const text = (page) => by(page, "message").last().getByTestId("message-text");
  const arrives = (page, part) => by(page, "message").last().filter({ hasText: part }).waitFor();
  await actions.openConversation(ada.page, people.grace.name);
  await actions.openConversation(grace.page, people.ada.name);
  await step("markup is shown as bold, quote, list and code", async () => {
    await actions.send(ada.page, MARKUP);
    for (const { page } of [ada, grace]) {
      await arrives(page, "Release notes");
      const all = text(page);
      equal(await all.locator("strong").textContent(), "Release notes", "bold text");
      equal(await all.locator("blockquote em").textContent(), "Fast", "italic text in a quote");
      equal((await all.locator("li").allTextContents()).join(), "one,two", "items of the list");
      equal(await all.locator("pre").textContent(), CODE, "code");
    }
    await harness.screen("25-markup", grace.page);
  });
  await step("code is copied as it is", async () => {
    await grace.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await text(grace.page).getByTestId("copy-code").click();
    await grace.page.getByText("Copied", { exact: true }).waitFor({ state: "attached" });
    equal(await grace.page.evaluate(() => navigator.clipboard.readText()), CODE, "the clipboard");
  });
  await step("the time covers no code", async () => {
    const message = by(grace.page, "message").last();
    const [code, time] = await Promise.all([message.locator(".code-block").boundingBox(), message.locator(".message-meta").boundingBox()]);
    equal(time.y >= code.y + code.height, true, "the time is below the code");
  });
  await step("a message of emoji alone is large, and spaces at the start are kept", async () => {
    await actions.send(ada.page, "🎉👍");
    await arrives(grace.page, "🎉👍");
    const size = await text(grace.page).evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
    equal(size >= 32, true, `size of emoji: ${size}`);
    await actions.send(ada.page, INDENTED);
    await arrives(grace.page, "four spaces");
    equal(await text(grace.page).textContent(), INDENTED, "text with an indentation");
  });
  await step("a long message is folded until the reader asks for more", async () => {
    await actions.send(ada.page, `${"word ".repeat(1_890)}the end`);
    await arrives(grace.page, "the end");
    const height = async () => (await text(grace.page).boundingBox()).height;
    const folded = await height();
    equal(folded < 400, true, `height of a folded message: ${folded}`);
    await harness.screen("26-folded", grace.page);
    await by(grace.page, "message").last().getByTestId("unfold").click();
    const unfolded = await height();
    equal(unfolded > folded * 2, true, `height of the whole message: ${unfolded}`);
    equal(await by(grace.page, "unfold").count(), 0, "buttons that unfold");
  });
}
