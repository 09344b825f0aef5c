// Steps for writing: touch keyboards, input methods, languages that are written from right to left.

import * as actions from "./page.mjs";
import { equal } from "./harness.mjs";

const { by } = actions;
const HEBREW = "\u05e9\u05dc\u05d5\u05dd!";

export async function writing({ step, harness, people, ada, grace }) {
  const composer = by(ada.page, "composer");
  await actions.openConversation(ada.page, people.grace.name);
  await actions.openConversation(grace.page, people.ada.name);
  await step("Enter that ends an input method's composition does not send", async () => {
    await composer.fill("half a sentence");
    await composer.dispatchEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true });
    equal(await composer.inputValue(), "half a sentence", "text after the Enter of an input method");
    await composer.press("Enter");
    await actions.appearsOnce(grace.page, "half a sentence");
  });
  await step("Enter on a touch keyboard starts a new line, and the button sends", async () => {
    const touch = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };
    const phone = await harness.person("ada-touch", touch);
    await actions.logIn(phone.page, people.ada.username);
    await actions.openConversation(phone.page, people.grace.name);
    const field = by(phone.page, "composer");
    await field.pressSequentially("one");
    await field.press("Enter");
    await field.pressSequentially("two");
    equal(await field.inputValue(), "one\ntwo", "text before it is sent");
    await by(phone.page, "send").tap();
    await by(grace.page, "message-text").getByText("one\ntwo").waitFor();
    await phone.context.close();
    harness.pages.delete("ada-touch");
  });
  await step("text from right to left ends with its punctuation on the left", async () => {
    await actions.send(ada.page, HEBREW);
    await actions.appearsOnce(grace.page, HEBREW);
    const isMirrored = await actions.message(grace.page, HEBREW).getByTestId("message-text").evaluate((element) => {
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      const text = walker.nextNode();
      const left = (at) => {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        return range.getBoundingClientRect().left;
      };
      return left(text.length - 1) < left(0);
    });
    equal(isMirrored, true, "the exclamation mark is left of the first letter");
  });
}
