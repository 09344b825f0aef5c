// Steps for emoji: reactions that are found by their shortcode, and shortcodes in a message.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;

export async function emoji({ step, harness, people, ada, grace }) {
  const { page } = ada;
  await actions.openConversation(page, people.grace.name);
  await actions.openConversation(grace.page, people.ada.name);
  await step("any emoji can be a reaction, and is found by its shortcode", async () => {
    await actions.send(page, "React to this");
    await actions.appearsOnce(page, "React to this");
    await actions.clickAction(page, "React to this", "react");
    await by(page, "react-more").click();
    await by(page, "emoji-option").first().waitFor();
    await by(page, "emoji-search").fill(":rocket");
    await eventually("the rocket first", async () => (await by(page, "emoji-option").first().getAttribute("data-emoji")) === "🚀");
    await harness.screen("39-emoji", page);
    await by(page, "emoji-search").press("Enter");
    await actions.message(grace.page, "React to this").locator('[data-testid=reaction][data-emoji="🚀"]').waitFor();
    await by(page, "emoji-dialog").waitFor({ state: "detached" });
  });
  await step("a shortcode in a message becomes its emoji", async () => {
    const composer = by(page, "composer");
    await composer.pressSequentially("Done :tada:");
    await eventually("the emoji", async () => (await composer.inputValue()) === "Done 🎉");
    await composer.pressSequentially(" at 10:30: ok");
    equal(await composer.inputValue(), "Done 🎉 at 10:30: ok", "text without a shortcode");
    await composer.press("Enter");
    await actions.appearsOnce(grace.page, "Done 🎉 at 10:30: ok");
  });
}
