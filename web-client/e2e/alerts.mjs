// Steps for what the page does in the background: notifications, sounds, and opening without a connection.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;

export async function alerts({ step, harness, people, ada, grace }) {
  const person = await harness.person("grace-alerts", {}, "about:blank");
  const { page } = person;
  await page.addInitScript(() => {
    window.shown = [];
    window.tones = 0;
    window.Notification = class {
      static permission = "default";
      static requestPermission = async () => (window.Notification.permission = "granted");
      constructor(title, { body }) {
        window.shown.push(`${title}: ${body}`);
      }
    };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...all) {
      window.tones += 1;
      return start.apply(this, all);
    };
    document.hasFocus = () => !window.isAway;
  });
  await page.goto(harness.options.base);
  const away = (isAway) =>
    page.evaluate((on) => {
      window.isAway = on;
      dispatchEvent(new Event(on ? "blur" : "focus"));
    }, isAway);
  await actions.openConversation(ada.page, people.grace.name);
  await step("notifications are off until they are allowed, and sounds are on", async () => {
    await actions.logIn(page, people.grace.username);
    await eventually("the service worker", () => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state === "activated"));
    await away(true);
    await actions.send(ada.page, "Only a sound");
    await eventually("a tone", async () => (await page.evaluate(() => window.tones)) === 1);
    equal(await page.evaluate(() => window.shown.length), 0, "notifications");
    await away(false);
    await by(page, "me").click();
    await by(page, "settings-alerts").click();
    await by(page, "alerts-notifications").click();
    await eventually("allowed", () => by(page, "alerts-previews").isEnabled());
    await harness.screen("40-alerts", page);
    await page.keyboard.press("Escape");
    await away(true);
    await actions.send(ada.page, "With **a** notification");
    const last = async () => (await page.evaluate(() => window.shown)).at(-1);
    await eventually("the notification", async () => (await last()) === `${await title(page)}: With a notification`);
    await away(false);
    await by(page, "me").click();
    await by(page, "settings-alerts").click();
    await by(page, "alerts-previews").click();
    await page.keyboard.press("Escape");
    await away(true);
    await actions.send(ada.page, "A secret");
    await eventually("the notification without text", async () => (await last()) === `${await title(page)}: New message`);
  });
  await step("the page opens without a connection", async () => {
    await away(false);
    await page.reload();
    await by(page, "me").waitFor();
    await actions.waitOnline(page);
    await person.context.setOffline(true);
    await page.reload();
    await by(page, "me").waitFor();
    await person.context.setOffline(false);
    await actions.waitOnline(page, 30_000);
    const manifest = await page.evaluate(async () => (await fetch(document.querySelector("link[rel=manifest]").href)).json());
    equal(manifest.name, "Confab", "name in the manifest");
  });
  await person.context.close();
  harness.pages.delete("grace-alerts");
}

/** Returns the title of the conversation at the top of the list. */
const title = (page) => by(page, "conversation-title").first().textContent();
