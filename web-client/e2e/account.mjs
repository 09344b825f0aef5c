// Steps for the account: display name, password, devices.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;
const NEW_PASSWORD = "stapled battery horse";
const RENAMED = "Ada King";

export async function account({ step, harness, people, ada, grace }) {
  const { page } = ada;
  const openPage = async (name) => {
    await by(page, "me").click();
    await by(page, `settings-${name}`).click();
  };
  const phone = await harness.person("ada-phone", { viewport: { width: 390, height: 780 } });
  await step("a new name is shown to oneself and, after their next load, to others", async () => {
    await actions.logIn(phone.page, people.ada.username);
    await openPage("name");
    await by(page, "settings-display-name").fill("\u200b");
    await by(page, "settings-save-name").click();
    await by(page, "settings-display-name-error").waitFor();
    await by(page, "settings-display-name").fill(RENAMED);
    await by(page, "settings-save-name").click();
    await by(page, "settings-name").waitFor();
    const head = by(page, "settings-profile");
    await head.filter({ hasText: RENAMED }).filter({ hasText: `@${people.ada.username}` }).waitFor();
    equal(await head.locator(".avatar").textContent(), "AK", "the initials");
    await page.keyboard.press("Escape");
    await by(page, "me").filter({ hasText: RENAMED }).waitFor();
    await grace.page.reload();
    await by(grace.page, "conversation-title").filter({ hasText: RENAMED }).first().waitFor();
  });
  await step("a refused password is explained at its field", async () => {
    await openPage("password");
    const change = async (old, next) => {
      await by(page, "settings-old-password").fill(old);
      await by(page, "settings-new-password").fill(next);
      await by(page, "settings-save-password").click();
    };
    await change(actions.PASSWORD, "password123");
    await by(page, "settings-new-password-error").filter({ hasText: "easy to guess" }).waitFor();
    await harness.screen("16-password", page);
    await change(actions.PASSWORD, "short");
    await by(page, "settings-new-password-error").filter({ hasText: "at least 8 characters" }).waitFor();
    await change("wrong horse battery", NEW_PASSWORD);
    await by(page, "settings-old-password-error").waitFor();
    equal(await by(page, "settings-new-password-error").count(), 0, "errors at the new password");
  });
  await step("the list of devices marks this one, and ends another one", async () => {
    await by(page, "dialog-back").click();
    equal(await by(page, "settings-password").evaluate((item) => item === document.activeElement), true, "focus");
    await by(page, "settings-devices").click();
    equal(await by(page, "dialog-back").evaluate((button) => button === document.activeElement), true, "focus on the way back");
    await eventually("two devices or more", async () => (await by(page, "login-item").count()) >= 2);
    equal(await page.locator("[data-testid=login-item][data-current=true]").count(), 1, "this device");
    await harness.screen("17-devices", page);
    const count = await by(page, "login-item").count();
    const drafts = () => phone.page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes(".draft.")).length);
    await by(phone.page, "conversation-item").first().click();
    await by(phone.page, "composer").fill("Half written");
    await eventually("one draft", async () => (await drafts()) === 1);
    await by(page, "end-login").first().click();
    await actions.confirm(page);
    await eventually("one device less", async () => (await by(page, "login-item").count()) === count - 1);
    await by(phone.page, "login-username").waitFor();
    equal(await drafts(), 0, "drafts after the login has ended");
  });
  await step("all other devices are ended together", async () => {
    await actions.logIn(phone.page, people.ada.username);
    await by(page, "dialog-back").click();
    await by(page, "settings-devices").click();
    await by(page, "end-other-logins").click();
    await actions.confirm(page);
    await eventually("only this device", async () => (await by(page, "login-item").count()) === 1);
    equal(await by(page, "end-other-logins").count(), 0, "the button, without other devices");
    await by(phone.page, "login-username").waitFor();
    await page.keyboard.press("Escape");
  });
  await step("a new password ends the other devices and is needed from then on", async () => {
    await actions.logIn(phone.page, people.ada.username);
    await openPage("password");
    await by(page, "settings-old-password").fill(actions.PASSWORD);
    await by(page, "settings-new-password").fill(NEW_PASSWORD);
    await by(page, "settings-save-password").click();
    await by(page, "settings-done").filter({ hasText: "Your password has changed" }).waitFor();
    await page.keyboard.press("Escape");
    await by(phone.page, "login-username").waitFor();
    await by(phone.page, "login-username").fill(people.ada.username);
    await by(phone.page, "login-password").fill(actions.PASSWORD);
    await by(phone.page, "login-submit").click();
    await by(phone.page, "entrance-error").filter({ hasText: "wrong" }).waitFor();
    await actions.logIn(phone.page, people.ada.username, NEW_PASSWORD);
    await actions.waitOnline(page);
  });
  await phone.context.close();
  harness.pages.delete("ada-phone");
}
