// Two people in two browsers, through a running gateway: everything the page promises, step by step.

import { exec } from "node:child_process";
import { promisify } from "node:util";
import * as on from "./page.mjs";
import * as particulars from "./particulars.mjs";
import { equal, eventually, readArguments, Stage } from "./stage.mjs";

const { by } = on;
const run = Date.now().toString(36);
const ADA = { username: `ada-${run}`, name: "Ada Byron" };
const GRACE = { username: `grace-${run}`, name: "Grace H." };
const GROUP = `Picnic ${run}`;
const RENAMED = `Sunday ${run}`;
const MANY = 120;

const options = readArguments();
const stage = new Stage(options);
const step = stage.step.bind(stage);
let ada;
let grace;

async function meet() {
  await step("both register", async () => {
    ada = await stage.person("ada");
    grace = await stage.person("grace", { colorScheme: "dark" });
    await stage.picture("01-entrance", ada.page);
    await on.register(ada.page, ADA.username, ADA.name);
    await on.register(grace.page, GRACE.username, GRACE.name);
    await stage.picture("02-empty", ada.page);
  });
  await step("Ada finds Grace and opens a direct conversation", async () => {
    await by(ada.page, "new-direct").click();
    await on.search(ada.page, GRACE.username);
    await by(ada.page, "header-title").filter({ hasText: GRACE.name }).waitFor();
    await by(grace.page, "conversation-item").filter({ hasText: ADA.name }).waitFor();
  });
  await step("Ada sees that Grace is here", async () => {
    const dot = ada.page.locator(".pane-header [data-testid=presence]");
    await eventually("online dot", async () => (await dot.getAttribute("data-status")) === "online");
  });
}

async function talk() {
  await step("a message is delivered and counted as unread", async () => {
    await on.send(ada.page, "Hello Grace");
    await eventually("one unread", async () => (await by(grace.page, "unread").first().textContent()) === "1");
    await on.reaches(ada.page, "Hello Grace", ["delivered"]);
    await stage.picture("03-unread", grace.page);
  });
  await step("opening it makes it read and takes the count away", async () => {
    await on.openConversation(grace.page, ADA.name);
    await on.once(grace.page, "Hello Grace");
    await on.reaches(ada.page, "Hello Grace", ["read"]);
    await eventually("no unread", async () => (await by(grace.page, "unread").count()) === 0);
  });
  await step("typing is seen, and ends with the message", async () => {
    await by(grace.page, "composer").pressSequentially("Hi Ada", { delay: 30 });
    await by(ada.page, "typing").waitFor();
    await stage.picture("04-typing", ada.page);
    await by(grace.page, "send").click();
    await on.once(ada.page, "Hi Ada");
    await by(ada.page, "typing").waitFor({ state: "detached" });
    await on.reaches(grace.page, "Hi Ada", ["read"]);
  });
  await step("many quick messages keep their order", async () => {
    const texts = Array.from({ length: 8 }, (_, at) => `quick ${at}`);
    for (const text of texts) await on.send(ada.page, text);
    await on.once(grace.page, "quick 7");
    const seen = await by(grace.page, "message-text").allTextContents();
    equal(seen.filter((text) => text.startsWith("quick")).join(), texts.join(), "order");
  });
}

async function change() {
  await step("an edit shows on both sides", async () => {
    await on.act(ada.page, "quick 0", "edit");
    await on.send(ada.page, "Shall we have a picnic?");
    await on.once(ada.page, "Shall we have a picnic?");
    await on.once(grace.page, "Shall we have a picnic?");
    await by(grace.page, "edited").first().waitFor();
  });
  await step("a redaction takes the text away on both sides", async () => {
    await on.act(ada.page, "quick 1", "redact");
    await by(ada.page, "redact-confirm").click();
    for (const { page } of [ada, grace]) {
      await on.message(page, "Message deleted").waitFor();
      equal(await on.message(page, "quick 1").count(), 0, "redacted texts");
    }
  });
  await step("a reaction shows, and can be taken back", async () => {
    await on.act(grace.page, "Shall we have a picnic?", "react");
    await grace.page.locator('[data-testid=react-option][data-emoji="👍"]').click();
    await by(ada.page, "reaction").waitFor();
    await by(ada.page, "reaction").click();
    await eventually("two", async () => (await by(grace.page, "reaction").textContent()).includes("2"));
    await by(ada.page, "reaction").click();
    await eventually("one", async () => (await by(grace.page, "reaction").textContent()).includes("1"));
  });
  await step("a reply shows what it answers", async () => {
    await on.act(grace.page, "Shall we have a picnic?", "reply");
    await on.send(grace.page, "Yes, on Sunday");
    await on.once(ada.page, "Yes, on Sunday");
    const quote = on.message(ada.page, "Yes, on Sunday").getByTestId("quote");
    equal((await quote.textContent()).includes("picnic"), true, "the quote names its target");
  });
  await step("markup is shown as text", async () => {
    const text = `<img src=x onerror="alert(1)"> <b>bold</b> &amp; <script>alert(2)</script>`;
    await on.send(ada.page, text);
    await on.once(grace.page, text);
    equal(await by(grace.page, "timeline").locator("img, b, script").count(), 0, "elements made of text");
    await stage.picture("05-conversation-light", ada.page);
    await stage.picture("06-conversation-dark", grace.page);
  });
}

async function group() {
  await step("a group with both", async () => {
    await by(ada.page, "new-group").click();
    await by(ada.page, "group-title").fill(GROUP);
    await on.search(ada.page, GRACE.username);
    await stage.picture("07-new-group", ada.page);
    await by(ada.page, "group-create").click();
    await by(ada.page, "header-title").filter({ hasText: GROUP }).waitFor();
    await by(ada.page, "notice").filter({ hasText: "You created the group" }).waitFor();
    await on.openConversation(grace.page, GROUP);
    await on.send(ada.page, "Who brings the cake?");
    await on.once(grace.page, "Who brings the cake?");
    await on.send(grace.page, "I do");
    await on.once(ada.page, "I do");
    await on.reaches(ada.page, "Who brings the cake?", ["read"]);
  });
  await step("the title changes; members are listed, removed and added again", async () => {
    await by(ada.page, "show-members").click();
    await eventually("two members", async () => (await by(ada.page, "member-item").count()) === 2);
    await by(ada.page, "rename").click();
    await by(ada.page, "group-title").fill(RENAMED);
    await by(ada.page, "rename-save").click();
    await by(grace.page, "header-title").filter({ hasText: RENAMED }).waitFor();
    await stage.picture("08-members", ada.page);
    await by(ada.page, "member-remove").click();
    await eventually("one member", async () => (await by(ada.page, "member-item").count()) === 1);
    await by(grace.page, "conversation-item").filter({ hasText: GROUP }).waitFor({ state: "detached" });
    await by(grace.page, "note").filter({ hasText: `You are no longer in “${RENAMED}”` }).waitFor();
    await by(ada.page, "member-add").click();
    await on.search(ada.page, GRACE.username);
    await on.openConversation(grace.page, RENAMED);
    await by(ada.page, "show-members").click();
    await on.send(ada.page, "Welcome back");
    await on.once(grace.page, "Welcome back");
    equal(await on.message(grace.page, "I do").count(), 0, "what was said before the new joining");
  });
}

async function history() {
  await step(`${MANY} messages come in order`, async () => {
    const id = await by(ada.page, "conversation-item").first().getAttribute("data-conversation");
    await on.sendMany(ada.page, id, Array.from({ length: MANY }, (_, at) => `line ${at}`));
    await on.once(grace.page, `line ${MANY - 1}`);
    for (const { page } of [ada, grace]) await on.inSight(page, `line ${MANY - 1}`);
    await on.reaches(ada.page, `line ${MANY - 1}`, ["read"]);
  });
  await step("a reload keeps the log-in and the conversation", async () => {
    await grace.page.reload();
    await by(grace.page, "header-title").filter({ hasText: RENAMED }).waitFor();
    await on.inSight(grace.page, `line ${MANY - 1}`);
    await on.online(grace.page);
  });
  await step("older pages come in above without a jump", async () => {
    const moved = await on.movedByOlderPage(grace.page);
    equal(moved <= 1, true, `pixels moved: ${moved}; at most one`);
    await on.scrollToBeginning(grace.page);
    const lines = (await by(grace.page, "message-text").allTextContents()).filter((text) => text.startsWith("line"));
    equal(lines.join(), Array.from({ length: MANY }, (_, at) => `line ${at}`).join(), "all lines, once, in order");
    await stage.picture("09-beginning", grace.page);
  });
  await step("a second tab of the same login shows the same", async () => {
    const tab = await stage.page("grace-second-tab", grace.context);
    await on.openConversation(tab, RENAMED);
    await on.send(tab, "From another tab");
    await on.once(ada.page, "From another tab");
    await by(grace.page, "to-end").click();
    await on.once(grace.page, "From another tab");
    await tab.close();
    stage.pages.delete("grace-second-tab");
  });
}

async function cutOff() {
  await step("what is written without a connection survives a reload, and is sent in order", async () => {
    const connection = await on.cutOff(ada.page);
    const waiting = ["Written offline, one", "Written offline, two"];
    await ada.page.reload();
    await eventually("offline", async () => (await by(ada.page, "connection").getAttribute("data-state")) === "offline");
    for (const text of waiting) await on.send(ada.page, text);
    for (const text of waiting) await on.reaches(ada.page, text, ["queued"]);
    await on.act(ada.page, `line ${MANY - 1}`, "edit");
    await on.send(ada.page, "Edited offline");
    await on.act(ada.page, "From another tab", "react");
    await ada.page.locator('[data-testid=react-option][data-emoji="🎉"]').click();
    await stage.picture("10-offline", ada.page);
    await ada.page.reload();
    for (const text of [...waiting, "Edited offline", "From another tab"]) await on.reaches(ada.page, text, ["queued"]);
    await on.message(ada.page, "From another tab").getByTestId("reaction").waitFor();
    const status = by(ada.page, "conversation-list").getByTestId("presence").first();
    equal(await status.getAttribute("data-status"), "unknown", "where others are, while offline");
    connection.open();
    for (const text of waiting) await on.reaches(ada.page, text, ["sent", "delivered", "read"], 30_000);
    for (const text of [...waiting, "Edited offline"]) await on.once(grace.page, text);
    await on.message(grace.page, "From another tab").getByTestId("reaction").waitFor();
    const seen = await by(grace.page, "message-text").allTextContents();
    equal(seen.filter((text) => text.startsWith("Written offline")).join(), waiting.join(), "order");
    await on.online(ada.page, 60_000);
  });
}

async function restart() {
  if (!options.restart) return;
  await step("a restart of the gateway loses nothing and doubles nothing", async () => {
    const restarted = promisify(exec)(options.restart);
    await eventually("not online", async () => (await by(ada.page, "connection").getAttribute("data-state")) !== "online");
    await on.send(ada.page, "Sent into the dark");
    await stage.picture("11-restart", ada.page);
    await restarted;
    await on.online(ada.page, 60_000);
    await on.online(grace.page, 60_000);
    await on.reaches(ada.page, "Sent into the dark", ["sent", "delivered", "read"], 30_000);
    await on.once(grace.page, "Sent into the dark");
    await on.send(grace.page, "And back");
    await on.once(ada.page, "And back");
  });
}

async function leave() {
  await step("a phone shows one pane at a time", async () => {
    await ada.page.setViewportSize({ width: 390, height: 780 });
    await stage.picture("12-phone-conversation", ada.page);
    await by(ada.page, "back").click();
    await by(ada.page, "conversation-item").first().waitFor();
    await stage.picture("13-phone-list", ada.page);
    await ada.page.setViewportSize({ width: 1180, height: 760 });
  });
  await step("Grace leaves the group, and Ada sees it", async () => {
    await by(grace.page, "show-members").click();
    await by(grace.page, "leave").click();
    await by(grace.page, "conversation-item").filter({ hasText: RENAMED }).waitFor({ state: "detached" });
    await on.openConversation(ada.page, RENAMED);
    await by(ada.page, "notice").filter({ hasText: `${GRACE.name} left` }).waitFor();
  });
  await step("logging out ends it, logging in brings it back", async () => {
    await by(grace.page, "log-out").click();
    await by(grace.page, "login-username").waitFor();
    equal(await grace.page.evaluate(() => localStorage.getItem("confab.login")), null, "kept login");
    await on.logIn(grace.page, GRACE.username);
    await on.openConversation(grace.page, ADA.name);
    await on.once(grace.page, "Yes, on Sunday");
  });
}

function beyond(...names) {
  return async () => {
    const people = { ada: ADA, grace: GRACE };
    for (const name of names) await particulars[name]({ step, stage, people, ada, grace, group: RENAMED });
  };
}

try {
  await stage.open();
  for (const part of [meet, talk, change, beyond("drafts", "focus"), group, beyond("strangers"), history, cutOff, restart]) await part();
  for (const part of [beyond("catchingUp", "oldQuotes", "owners"), leave, beyond("longList")]) await part();
} catch (error) {
  if (stage.failed === 0) {
    stage.failed += 1;
    console.log(`FAIL  ${error.stack ?? error}`);
  }
} finally {
  process.exitCode = (await stage.close()) ? 0 : 1;
}
