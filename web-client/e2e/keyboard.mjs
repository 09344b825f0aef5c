// Steps for somebody who uses the page without a pointer.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;
const STOPS_MAX = 60;

export async function keyboard({ step, harness, people, grace }) {
  const person = await harness.person("ada-keyboard-alone");
  const { page } = person;
  const press = (key) => page.keyboard.press(key);
  const isFocused = (id) => by(page, id).and(page.locator(":focus")).count();

  /** Presses a key until an element has the focus. */
  async function reach(id, key = "Tab") {
    for (let stops = 0; stops < STOPS_MAX; stops += 1) {
      if ((await isFocused(id)) > 0) return;
      await press(key);
    }
    throw new Error(`${key} does not reach ${id}`);
  }

  await actions.openConversation(grace.page, people.ada.name);
  await step("the keyboard alone logs in, opens a conversation and writes", async () => {
    await reach("login-username");
    await page.keyboard.type(people.ada.username);
    await reach("login-password");
    await page.keyboard.type(actions.PASSWORD);
    // As on a slow network: a shortcut works before the parts that it opens are loaded.
    await actions.whileHeld(page, "**/assets/overlays-*.js", async () => {
      await press("Enter");
      await by(page, "me").waitFor();
      await actions.waitOnline(page);
      await press("Control+k");
    });
    await by(page, "switcher-query").and(page.locator(":focus")).waitFor();
    await page.keyboard.type(people.grace.name);
    await by(page, "switcher-item").first().waitFor();
    await press("Enter");
    await by(page, "composer").and(page.locator(":focus")).waitFor();
    await page.keyboard.type("Typed without a pointer");
    await press("Enter");
    await actions.appearsOnce(grace.page, "Typed without a pointer");
  });
  await step("the keyboard alone reacts to a message, edits it and deletes it", async () => {
    await actions.reachesState(page, "Typed without a pointer", ["sent", "delivered", "read"]);
    await reach("timeline", "Shift+Tab");
    await press("ArrowUp");
    equal(await actions.message(page, "Typed without a pointer").evaluate((row) => row === document.activeElement), true, "the newest message has the focus");
    await reach("react");
    await press("Enter");
    await by(page, "react-option").and(page.locator(":focus")).waitFor();
    await press("Enter");
    await actions.message(grace.page, "Typed without a pointer").getByTestId("reaction").waitFor();
    await reach("composer");
    await press("ArrowUp");
    await by(page, "aim").waitFor();
    await page.keyboard.type(", twice");
    await press("Enter");
    await actions.appearsOnce(grace.page, "Typed without a pointer, twice");
    await reach("timeline", "Shift+Tab");
    await press("ArrowUp");
    await reach("redact");
    await press("Enter");
    await reach("redact-confirm");
    await press("Enter");
    await actions.message(grace.page, "Message deleted").last().waitFor();
  });
  await step("a menu and a dialog return the focus to what opened them", async () => {
    for (const [opener, opened] of [["conversation-menu", "show-profile"], ["me", "settings-dialog"], ["new-direct", "new-direct-dialog"]]) {
      await reach(opener, "Shift+Tab");
      await press("Enter");
      await by(page, opened).waitFor();
      await press("Escape");
      await by(page, opened).waitFor({ state: "detached" });
      await eventually(`the focus is on ${opener}`, () => isFocused(opener));
    }
  });
  await step("every element that the keyboard reaches shows that it has the focus", async () => {
    const seen = new Set();
    for (let stops = 0; stops < STOPS_MAX; stops += 1) {
      await press("Tab");
      const [name, isShown] = await page.evaluate(focusedElement);
      equal(isShown, true, `the focus is shown on ${name}`);
      if (seen.has(name) && name === "me") break;
      seen.add(name);
    }
    for (const id of ["me", "new-group", "conversation-filter", "conversation-item", "conversation-menu", "timeline", "composer"]) {
      equal(seen.has(id), true, `Tab reaches ${id}`);
    }
  });
  await person.context.close();
  harness.pages.delete("ada-keyboard-alone");
}

/** Runs in the page: the name of the element that has the focus, and whether an outline or a shadow shows it. */
function focusedElement() {
  const element = document.activeElement;
  if (element === document.body) return ["body", true];
  const isShown = [element, element.parentElement].some((it) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
    return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
  });
  return [element.dataset.testid ?? element.className ?? element.tagName, isShown];
}
