// Steps for getting around: the filter, the quick switcher, shortcuts, and what the list shows of unfinished work.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;

export async function shortcuts({ step, harness, people, ada }) {
  const { page } = ada;
  const items = by(page, "conversation-list").getByTestId("conversation-item");
  await step("the filter shows only conversations with this title", async () => {
    await by(page, "conversation-filter").fill("grace");
    await eventually("one conversation", async () => (await items.count()) === 1);
    equal(await items.first().getByTestId("conversation-title").textContent(), people.grace.name, "title");
    await by(page, "conversation-filter").fill("no such title");
    await by(page, "none-found").waitFor();
    await harness.screen("36-none-found", page);
    await by(page, "conversation-filter").press("Escape");
    await eventually("all conversations", async () => (await items.count()) > 1);
  });
  await step("the quick switcher opens a conversation by its title", async () => {
    await page.keyboard.press("Control+k");
    await by(page, "switcher-query").pressSequentially("zzz");
    await by(page, "switcher-item").first().waitFor({ state: "detached" });
    await by(page, "switcher-query").fill("GRÁ");
    await by(page, "switcher-item").filter({ hasText: people.grace.name }).waitFor();
    await harness.screen("37-switcher", page);
    await page.keyboard.press("Enter");
    await by(page, "header-title").filter({ hasText: people.grace.name }).waitFor();
    await by(page, "quick-switcher").waitFor({ state: "detached" });
  });
  await step("a question mark lists the shortcuts, but is a text in a field", async () => {
    await by(page, "composer").press("?");
    equal(await by(page, "composer").inputValue(), "?", "text of the composer");
    await by(page, "composer").fill("");
    await by(page, "composer").evaluate((field) => field.blur());
    await page.keyboard.press("?");
    await by(page, "shortcut-sheet").waitFor();
    await harness.screen("38-shortcuts", page);
    await page.keyboard.press("Escape");
    await by(page, "shortcut-sheet").waitFor({ state: "detached" });
  });
  await step("the list shows a draft of a conversation, and its unsent message", async () => {
    const item = items.filter({ has: by(page, "conversation-title").getByText(people.grace.name, { exact: true }) });
    await by(page, "composer").fill("Half of a thought");
    await page.evaluate(() => (location.hash = "#/"));
    await eventually("the draft", async () => (await item.getByTestId("last-message").textContent()) === "Draft: Half of a thought");
    await item.click();
    await by(page, "composer").fill("");
    const connection = await actions.disconnect(page);
    await page.reload();
    await actions.waitFor(page, "offline");
    await actions.send(page, "Sent while offline");
    await item.getByTestId("unsent-mark").waitFor();
    equal(await item.getByTestId("last-message").textContent(), "You: Sent while offline", "preview of an unsent message");
    connection.open();
    await actions.waitOnline(page, 30_000);
    await item.getByTestId("unsent-mark").waitFor({ state: "detached" });
  });
}
