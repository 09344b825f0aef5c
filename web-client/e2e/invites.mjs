// Invites: an admin makes links and ends them, and people join by them, whether they have an account or not.
//
//     node e2e/invites.mjs http://127.0.0.1:8080 --screenshots screenshots

import jsQR from "jsqr";
import * as actions from "./page.mjs";
import { equal, eventually, Harness, readArguments } from "./harness.mjs";

const { by } = actions;
const run = Date.now().toString(36);
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const ADA = { username: `ada-${run}`, name: "Ada Byron" };
const GRACE = { username: `grace-${run}`, name: "Grace Hopper" };
const KAY = { username: `kay-${run}`, name: "Kay New" };
const GROUP = "Engine room";
const ENDED = "This invite does not exist, or it has ended. Ask for a new one.";

const harness = new Harness(readArguments());
const step = harness.step.bind(harness);
let ada;
let grace;
let url;

async function makes() {
  await step("an admin makes a link for two people", async () => {
    ada = await harness.person("ada");
    grace = await harness.person("grace", { colorScheme: "dark" });
    await actions.register(ada.page, ADA.username, ADA.name);
    await actions.register(grace.page, GRACE.username, GRACE.name);
    await actions.openGroup(ada.page, GROUP, []);
    await actions.openConversation(ada.page, GROUP);
    await by(ada.page, "show-members").click();
    await by(ada.page, "invite-by-link").click();
    await by(ada.page, "invites-none").waitFor();
    await harness.screen("60-invites", ada.page);
    await makeLink(ada.page, "2");
    url = await by(ada.page, "invite-url").inputValue();
    equal(/\/i\/[0-9A-Za-z]{11}$/.test(url), true, `the address of an invite: ${url}`);
    await harness.screen("61-invite-link", ada.page);
  });
  await step("the QR code leads to the link, also in the dark", async () => {
    for (const colorScheme of ["light", "dark"]) {
      await ada.page.emulateMedia({ colorScheme });
      equal(await readQr(ada.page), url, `the text of the QR code, ${colorScheme}`);
    }
    await harness.screen("62-invite-link-dark", ada.page);
    await ada.page.emulateMedia({ colorScheme: "light" });
  });
  await step("the link is copied", async () => {
    await ada.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await by(ada.page, "invite-copy").click();
    await by(ada.page, "note").filter({ hasText: "The link was copied." }).waitFor();
    equal(await ada.page.evaluate(() => navigator.clipboard.readText()), url, "the clipboard");
    await ada.page.keyboard.press("Escape");
  });
}

async function joins() {
  await step("somebody who is logged in sees the group, and joins only when they ask to", async () => {
    const { page } = grace;
    await page.goto(url);
    await by(page, "invited-group").filter({ hasText: `You are invited to “${GROUP}”` }).filter({ hasText: "1 member" }).waitFor();
    await harness.screen("63-invited", page);
    await by(page, "invite-not-now").click();
    await by(page, "invite-dialog").waitFor({ state: "detached" });
    equal(await by(page, "conversation-item").count(), 0, "conversations after Not now");
    await page.goto(url);
    await by(page, "invite-join").click();
    await by(page, "header-title").filter({ hasText: GROUP }).waitFor();
    await by(page, "notice").filter({ hasText: `You joined by an invite of ${ADA.name}` }).waitFor();
    await by(ada.page, "notice").filter({ hasText: `${GRACE.name} joined by your invite` }).waitFor();
    await actions.send(page, "Hello everybody");
    await actions.appearsOnce(ada.page, "Hello everybody");
  });
  await step("a plain member cannot make links, and reads that they are in the group already", async () => {
    const { page } = grace;
    await by(page, "show-members").click();
    await by(page, "member-item").nth(1).waitFor();
    equal(await by(page, "invite-by-link").count(), 0, "buttons that make links");
    await page.goto(url);
    await by(page, "invite-dialog").getByText("You are in this group already.").waitFor();
    await by(page, "invite-join").click();
    await by(page, "header-title").filter({ hasText: GROUP }).waitFor();
    equal(await by(ada.page, "notice").filter({ hasText: GRACE.name }).count(), 1, "notices about Grace");
  });
  await step("somebody without an account sees the group, registers and is in it", async () => {
    const phone = await harness.person("kay-phone", PHONE, url);
    const { page } = phone;
    await by(page, "invite-card").getByText(`You are invited to “${GROUP}”`).waitFor();
    await harness.screen("64-invited-phone", page);
    await actions.register(page, KAY.username, KAY.name);
    await by(page, "header-title").filter({ hasText: GROUP }).waitFor();
    await by(page, "notice").filter({ hasText: `You joined by an invite of ${ADA.name}` }).waitFor();
    await harness.screen("65-joined-phone", page);
    await phone.context.close();
    harness.pages.delete("kay-phone");
  });
}

async function ends() {
  await step("a link that is used up, and one that never was, say so", async () => {
    const late = await harness.person("late", {}, url);
    await by(late.page, "invite-refused").filter({ hasText: ENDED }).waitFor();
    await harness.screen("66-invite-ended", late.page);
    await late.context.close();
    harness.pages.delete("late");
    await grace.page.goto(`${url.slice(0, url.lastIndexOf("/"))}/AAAAAAAAAAA`);
    await by(grace.page, "invite-refused").filter({ hasText: ENDED }).waitFor();
    equal(await by(grace.page, "invite-join").count(), 0, "buttons to join");
    await by(grace.page, "invite-not-now").click();
  });
  await step("a link is revoked after a question", async () => {
    const { page } = ada;
    await by(page, "invite-by-link").click();
    await by(page, "invites-none").waitFor();
    await makeLink(page, "");
    const other = await by(page, "invite-url").inputValue();
    await by(page, "dialog-back").click();
    await by(page, "invite-item").waitFor();
    await harness.screen("67-invites-live", page);
    await by(page, "invite-show").click();
    equal(await by(page, "invite-url").inputValue(), other, "the link of the list");
    await by(page, "dialog-back").click();
    await by(page, "invite-revoke").click();
    await harness.screen("68-revoke", page);
    await actions.confirm(page);
    await by(page, "invites-none").waitFor();
    await page.keyboard.press("Escape");
    await grace.page.goto(other);
    await by(grace.page, "invite-refused").filter({ hasText: ENDED }).waitFor();
  });
}

async function makeLink(page, uses) {
  await by(page, "invite-uses").selectOption(uses);
  await by(page, "invite-create").click();
  await by(page, "invite-qr").waitFor();
}

/** Returns the text of the QR code, as a camera sees it on the screen. */
async function readQr(page) {
  let found;
  await eventually("a QR code", async () => {
    const picture = (await by(page, "invite-qr").screenshot()).toString("base64");
    const { pixels, width, height } = await page.evaluate(async (png) => {
      const image = new Image();
      image.src = `data:image/png;base64,${png}`;
      await image.decode();
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: image.width, height: image.height });
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      return { pixels: [...context.getImageData(0, 0, image.width, image.height).data], width: image.width, height: image.height };
    }, picture);
    found = jsQR(Uint8ClampedArray.from(pixels), width, height)?.data;
    return found !== undefined;
  });
  return found;
}

await harness.run(async () => {
  for (const part of [makes, joins, ends]) await part();
});
