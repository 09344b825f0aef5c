// Makes the screenshots in `docs/screenshots/`: the main screens on a desktop and on a phone, light and dark.
//
//     node e2e/gallery.mjs http://127.0.0.1:8080 --screenshots ../docs/screenshots
//
// The machine needs a font with emoji, such as fonts-noto-color-emoji.

import * as actions from "./page.mjs";
import { galleryPeople } from "./gallery_people.mjs";
import { Harness, readArguments } from "./harness.mjs";

const { by } = actions;
const harness = new Harness(readArguments());
const KINDS = {
  desktop: { viewport: { width: 1180, height: 760 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

const SCREENS = {
  conversation: async (page, { grace }) => {
    await actions.openConversation(page, grace.name);
    await by(page, "header-status").filter({ hasText: "Online" }).waitFor();
    await actions.isVisible(page, "Tea first");
  },
  group: async (page, _, isPhone) => {
    await actions.openConversation(page, "Engine room");
    await actions.isVisible(page, "I am in town on Friday if four hands help.");
    if (!isPhone) await by(page, "show-members").click();
    if (!isPhone) await by(page, "member-item").last().waitFor();
  },
  settings: async (page) => {
    await by(page, "me").click();
    await by(page, "settings-devices").waitFor();
  },
};

/** Shows a screen from the list of conversations on, and takes a screenshot of it without a focus. */
async function show(page, name, open) {
  await page.evaluate(() => (location.hash = "#/"));
  await open();
  await page.evaluate(() => document.activeElement?.blur());
  await harness.screen(name, page);
}

await harness.run(async () => {
  let everybody;
  await harness.step("people talk", async () => {
    everybody = await galleryPeople(harness.options.base);
    const { page } = await harness.person("grace"); // she is online
    await actions.logIn(page, everybody.grace.username);
  });
  for (const colorScheme of ["light", "dark"]) {
    for (const [kind, settings] of Object.entries(KINDS)) {
      await harness.step(`${kind}, ${colorScheme}`, async () => {
        const { page, context } = await harness.person(`${kind}-${colorScheme}`, { ...settings, colorScheme });
        await actions.logIn(page, everybody.ada.username);
        await by(page, "conversation-item").nth(6).waitFor();
        await page.locator("[data-testid=preview-state][data-state=read]").waitFor();
        if (kind === "phone") await show(page, `list-${kind}-${colorScheme}`, () => by(page, "unread").first().waitFor());
        for (const [name, open] of Object.entries(SCREENS)) {
          await show(page, `${name}-${kind}-${colorScheme}`, () => open(page, everybody, kind === "phone"));
        }
        await context.close();
        harness.pages.delete(`${kind}-${colorScheme}`);
      });
    }
  }
});
