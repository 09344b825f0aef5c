// Steps for what people use every day beside writing: the title of the tab, links, dates, profiles, the appearance, logging out.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;
const STARS = 60;

export async function everyday({ step, harness, people, ada, grace }) {
  const { page } = ada;
  const run = people.ada.username.split("-")[1];
  const kay = await harness.person("kay");
  await actions.register(kay.page, `kay-${run}`, "👩‍🚀 Kay");
  await step("the title of the tab counts unread conversations", async () => {
    await by(kay.page, "new-group").click();
    await by(kay.page, "group-title").fill("Stars");
    await actions.search(kay.page, people.ada.username);
    await by(kay.page, "group-create").click();
    await by(kay.page, "header-title").filter({ hasText: "Stars" }).waitFor();
    await actions.acceptRequest(page, "Stars");
    await actions.openConversation(page, people.grace.name);
    const before = unreadIn(await page.title());
    for (const text of ["One", "Two"]) await actions.send(kay.page, text);
    await eventually("one more unread conversation", async () => unreadIn(await page.title()) === before + 1);
    await actions.openConversation(page, "Stars");
    await eventually("no more than before", async () => unreadIn(await page.title()) === before);
  });
  await step("the initials of an avatar are whole characters", async () => {
    equal(await page.locator(".message-avatar .avatar").last().textContent(), "👩‍🚀K", "initials");
  });
  await step("a link opens in another tab, which cannot reach the page", async () => {
    await actions.send(kay.page, "Look at https://example.org/stars, please");
    const link = by(page, "timeline").getByRole("link", { name: "https://example.org/stars" });
    await link.waitFor();
    equal(await link.getAttribute("href"), "https://example.org/stars", "address");
    equal(await link.getAttribute("target"), "_blank", "target");
    equal(/\bnoopener\b/.test(await link.getAttribute("rel")), true, "noopener");
  });
  await step("the profile of a member shows who they are, and leads to a conversation", async () => {
    await by(page, "show-members").click();
    await by(page, "show-profile").click();
    await by(page, "profile").getByText(`@kay-${run}`).waitFor();
    await by(page, "profile-presence").filter({ hasText: "Online" }).waitFor();
    await harness.screen("41-profile", page);
    await by(page, "profile-write").click();
    await by(page, "header-title").filter({ hasText: "Kay" }).waitFor();
    await by(page, "conversation-menu").click();
    await by(page, "show-profile").click();
    await by(page, "profile-block").click();
    await actions.confirm(page);
    await by(page, "profile-unblock").click();
    await by(page, "profile-block").waitFor();
    await page.keyboard.press("Escape");
    await by(page, "profile").waitFor({ state: "detached" });
  });
  await step("a conversation is where it was left, and its date is shown while it is scrolled", async () => {
    await actions.openConversation(page, "Stars");
    await actions.sendMany(kay.page, await actions.openedId(page), Array.from({ length: STARS }, (_, at) => `Star ${at}`));
    await actions.isVisible(page, `Star ${STARS - 1}`);
    const top = () => actions.message(page, "Star 20").evaluate((row) => row.getBoundingClientRect().top);
    await actions.scrollUpTo(page, "Star 20");
    await by(page, "sticky-day").filter({ hasText: "Today" }).waitFor();
    const before = await top();
    await actions.openConversation(page, people.grace.name);
    await actions.openConversation(page, "Stars");
    await actions.message(page, "Star 20").waitFor();
    await eventually("the same place", async () => Math.abs((await top()) - before) <= 2);
    await by(page, "to-end").click();
  });
  await step("the page is light or dark as the user has chosen, also after a reload", async () => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await chooseTheme(page, "dark");
    const dark = await ground();
    equal(dark === light, false, "the colour changes");
    await page.reload();
    await by(page, "me").waitFor();
    equal(await ground(), dark, "after a reload");
    equal(await page.evaluate(() => matchMedia(document.querySelector("meta[name=theme-color][data-scheme=dark]").media).matches), true, "the bar of the browser");
    await page.emulateMedia({ colorScheme: "dark" });
    await chooseTheme(page, "light");
    equal(await ground(), light, "light on a dark system");
    await chooseTheme(page, "system");
    equal(await ground(), dark, "as the system");
    await page.emulateMedia({ colorScheme: "light" });
  });
  await step("logging out asks, and names the messages that are lost", async () => {
    const connection = await actions.disconnect(kay.page);
    await kay.page.reload();
    await actions.waitFor(kay.page, "offline");
    await actions.openConversation(kay.page, "Stars");
    await actions.send(kay.page, "Never sent");
    await actions.askToLogOut(kay.page);
    await by(kay.page, "question").getByText("1 unsent message will not be sent.").waitFor();
    await by(kay.page, "question-cancel").click();
    await kay.page.keyboard.press("Escape");
    connection.open();
    await actions.reachesState(kay.page, "Never sent", ["sent", "delivered", "read"], 30_000);
    await actions.appearsOnce(kay.page, "Never sent");
  });
  await kay.context.close();
  harness.pages.delete("kay");
  await step("the keyboard of a phone does not cover the text that is written", async () => {
    const phone = await harness.person("ada-keyboard", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, "about:blank");
    const left = 500;
    await phone.page.addInitScript(() => {
      const view = Object.assign(new EventTarget(), { height: innerHeight, scale: 1 });
      Object.defineProperty(window, "visualViewport", { value: view });
    });
    await phone.page.goto(harness.options.base);
    await actions.logIn(phone.page, people.ada.username);
    await actions.openConversation(phone.page, "Stars");
    const keyboard = (height) =>
      phone.page.evaluate((height) => {
        Object.assign(visualViewport, { height: height || innerHeight });
        visualViewport.dispatchEvent(new Event("resize"));
      }, height);
    const end = () => by(phone.page, "composer").evaluate((field) => field.getBoundingClientRect().bottom);
    const before = await end();
    await keyboard(left);
    equal((await end()) <= left, true, "the composer is above the keyboard");
    await keyboard(0);
    equal(await end(), before, "the end of the composer without a keyboard");
    await phone.context.close();
    harness.pages.delete("ada-keyboard");
  });
  await actions.openConversation(grace.page, people.ada.name);
}

const unreadIn = (title) => Number(/^\((\d+)\)/.exec(title)?.[1] ?? 0);

async function chooseTheme(page, theme) {
  await by(page, "me").click();
  await by(page, "settings-appearance").click();
  await by(page, `theme-${theme}`).check();
  await page.keyboard.press("Escape");
  await by(page, "settings-dialog").waitFor({ state: "detached" });
}
