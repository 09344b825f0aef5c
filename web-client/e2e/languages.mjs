// Steps for the languages of the page: what the system prefers, the setting, and a page that is mirrored.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;
const OVERFLOW_PX = 1;

export async function languages({ step, harness, people, ada, grace }) {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  for (const [locale, dir, title] of [["es-MX", "ltr", "Te damos la bienvenida"], ["de-AT", "ltr", "Willkommen zurück"], ["ar-EG", "rtl", "مرحبًا بعودتك"]]) {
    await step(`the page of a system in ${locale} is in its language`, async () => {
      for (const [kind, settings] of [["desktop", { colorScheme: "dark" }], ["phone", phone]]) {
        const name = `${locale}-${kind}`;
        const person = await harness.person(name, { ...settings, locale });
        const { page } = person;
        equal(await page.getByRole("heading", { level: 1 }).textContent(), title, "title of the login page");
        equal(await page.evaluate(() => `${document.documentElement.lang} ${document.documentElement.dir}`), `${locale.slice(0, 2)} ${dir}`, "language");
        await harness.screen(`31-login-${name}`, page);
        await actions.logIn(page, people.ada.username);
        await harness.screen(`32-list-${name}`, page);
        await actions.openConversation(page, people.grace.name);
        await by(page, "message").first().waitFor();
        await harness.screen(`33-conversation-${name}`, page);
        equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= OVERFLOW_PX, true, "the page is not wider than the screen");
        await person.context.close();
        harness.pages.delete(name);
      }
    });
  }
  await step("the page is mirrored where text runs from right to left", async () => {
    const { page } = ada;
    await chooseLanguage(page, "ar");
    await actions.openConversation(page, people.grace.name);
    await actions.openConversation(grace.page, people.ada.name);
    const left = (part) => page.locator(part).first().evaluate((element) => element.getBoundingClientRect().left);
    equal((await left(".sidebar")) > (await left(".pane")), true, "the list is on the right");
    const mine = page.locator(".message.mine .bubble").first();
    equal((await mine.evaluate((bubble) => bubble.getBoundingClientRect().left)) < innerMiddle(await left(".timeline")), true, "own messages are on the left");
    await actions.send(page, "Left to right, with a dot.");
    await actions.appearsOnce(grace.page, "Left to right, with a dot.");
    await actions.message(page, "Left to right, with a dot.").locator(".bubble").hover();
    await harness.screen("34-mirrored", page);
    await by(page, "me").click();
    await by(page, "settings-privacy").click();
    await by(page, "privacy-last-seen").waitFor();
    await harness.screen("35-mirrored-settings", page);
    await page.keyboard.press("Escape");
  });
  await step("a chosen language stays over a reload, and changes at once", async () => {
    const { page } = ada;
    await page.reload();
    await eventually("Arabic", async () => (await page.evaluate(() => document.documentElement.lang)) === "ar");
    await chooseLanguage(page, "de");
    await by(page, "composer").and(page.getByPlaceholder("Nachricht")).waitFor();
    await chooseLanguage(page, "system");
    await by(page, "composer").and(page.getByPlaceholder("Message")).waitFor();
    equal(await page.evaluate(() => document.documentElement.dir), "ltr", "direction");
  });
}

const innerMiddle = (left) => left + 200;

async function chooseLanguage(page, code) {
  await by(page, "me").click();
  await by(page, "settings-language").click();
  await by(page, `language-${code}`).click();
  await eventually("the language", async () => code === "system" || (await page.evaluate(() => document.documentElement.lang)) === code);
  await page.keyboard.press("Escape");
}
