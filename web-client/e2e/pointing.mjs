// Steps for pointing at messages: with the mouse in wide and narrow windows, and with a finger.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;
const TARGET_PX = 44;
const WIDE = "A line that is long enough to fill the whole width of a message in the conversation, whatever is next to it. ".repeat(2).trim();

export async function pointing({ step, harness, people, ada, grace }) {
  const { page } = ada;
  await actions.openConversation(page, people.grace.name);
  await actions.openConversation(grace.page, people.ada.name);
  const short = "Point here";
  for (const text of [WIDE, short, `${WIDE} Again.`]) await actions.send(page, text);
  await actions.appearsOnce(grace.page, `${WIDE} Again.`);

  for (const width of [1180, 760]) {
    await step(`actions at a width of ${width} px are beside the message and cover no text`, async () => {
      for (const side of [page, grace.page]) {
        await side.setViewportSize({ width, height: 760 });
        for (const text of [short, WIDE]) {
          await actions.message(side, text).locator(".bubble").hover();
          equal(await coveredTexts(side), "", `texts below the actions of "${text.slice(0, 12)}"`);
        }
        const sizes = await side.locator(".actions .action:visible").evaluateAll((all) => all.map((it) => Math.min(it.offsetWidth, it.offsetHeight)));
        equal(sizes.length > 0 && Math.min(...sizes) >= TARGET_PX, true, `sizes of the actions: ${sizes}`);
      }
    });
  }
  await step("one button opens all actions in a narrow window", async () => {
    await actions.message(page, short).locator(".bubble").hover();
    await actions.message(page, short).getByTestId("message-more").click();
    await by(page, "message-sheet").getByTestId("edit").click();
    equal(await by(page, "composer").inputValue(), short, "what is edited");
    await by(page, "aim-cancel").click();
    for (const side of [page, grace.page]) await side.setViewportSize({ width: 1180, height: 760 });
  });
  await touch({ step, harness, people, grace });
}

async function touch({ step, harness, people, grace }) {
  const phone = await harness.person("ada-finger", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const { page } = phone;
  await step("everything that a finger can press is at least 44 px large", async () => {
    await targetsAreLarge(page, "the login page");
    await actions.logIn(page, people.ada.username);
    await targetsAreLarge(page, "the list");
    await by(page, "new-direct").tap();
    await by(page, "people-search").waitFor();
    await targetsAreLarge(page, "a new conversation");
    await page.keyboard.press("Escape");
    await by(page, "me").tap();
    await by(page, "settings-privacy").waitFor();
    await targetsAreLarge(page, "the settings");
    await by(page, "settings-privacy").tap();
    await by(page, "privacy-last-seen").waitFor();
    await targetsAreLarge(page, "the privacy settings");
    await page.keyboard.press("Escape");
    await actions.openConversation(page, people.grace.name);
    await targetsAreLarge(page, "a conversation");
  });
  await step("a long press opens the actions of a message, and a swipe does not", async () => {
    const bubble = actions.message(page, "Point here").locator(".bubble");
    await actions.isVisible(page, "Point here");
    const finger = await page.context().newCDPSession(page);
    const touchAt = (type, points) => finger.send("Input.dispatchTouchEvent", { type, touchPoints: points });
    const middle = async () => {
      const { x, y, width, height } = await bubble.boundingBox();
      return { x: x + width / 2, y: y + height / 2 };
    };
    const at = await middle();
    await touchAt("touchStart", [at]);
    await touchAt("touchMove", [{ x: at.x - 40, y: at.y }]);
    await touchAt("touchEnd", []);
    await actions.isVisible(page, "Point here");
    await touchAt("touchStart", [await middle()]);
    await by(page, "message-sheet").waitFor();
    await touchAt("touchEnd", []);
    await harness.screen("27-sheet", page);
    await targetsAreLarge(page, "the sheet");
    await page.locator('[data-testid=react-option][data-emoji="🎉"]').tap();
    await actions.message(grace.page, "Point here").getByTestId("reaction").waitFor();
    await targetsAreLarge(page, "a conversation with reactions");
  });
  await step("a message is deleted from the sheet after a question", async () => {
    await actions.message(page, "Point here").locator(".bubble").dispatchEvent("pointerdown", { pointerType: "touch", isPrimary: true });
    await by(page, "message-sheet").getByTestId("redact").tap();
    await harness.screen("28-delete", page);
    await by(page, "redact-confirm").tap();
    await eventually("the deleted message", async () => (await actions.message(grace.page, "Point here").count()) === 0);
  });
  await phone.context.close();
  harness.pages.delete("ada-finger");
}

/** Returns the texts of messages that the visible actions cover. */
function coveredTexts(page) {
  return page.evaluate(() => {
    const actions = document.querySelector(".actions")?.getBoundingClientRect();
    if (!actions) return "no actions";
    const meets = (box) => box.left < actions.right && box.right > actions.left && box.top < actions.bottom && box.bottom > actions.top;
    return [...document.querySelectorAll("[data-testid=message-text]")]
      .filter((text) => meets(text.getBoundingClientRect()))
      .map((text) => text.textContent.slice(0, 20))
      .join();
  });
}

async function targetsAreLarge(page, where) {
  const small = await page.evaluate((px) => {
    const open = document.querySelector("dialog[open]") ?? document;
    const targets = [...open.querySelectorAll("button, input:not([type=hidden]), select, textarea, a[href], [role=button]")];
    return targets.flatMap((target) => {
      const { width, height } = (target.closest("label") ?? target).getBoundingClientRect();
      const isShown = target.checkVisibility({ visibilityProperty: true }) && width > 1;
      const isInText = target.closest("[data-testid=message-text]") !== null;
      const isSmall = Math.round(width) < px || Math.round(height) < px;
      return isShown && !isInText && isSmall ? [`${target.dataset.testid ?? target.ariaLabel ?? target.textContent} ${width} × ${height}`] : [];
    });
  }, TARGET_PX);
  equal(small.join("; "), "", `small targets on ${where}`);
}
