// Two users in two browsers test the page step by step through a running gateway.

import * as actions from "./page.mjs";
import { account } from "./account.mjs";
import { alerts } from "./alerts.mjs";
import { bubbles } from "./bubbles.mjs";
import { consent } from "./consent.mjs";
import * as details from "./details.mjs";
import { developer } from "./developer.mjs";
import { equal, eventually, readArguments, Harness } from "./harness.mjs";
import { emoji } from "./emoji.mjs";
import { everyday } from "./everyday.mjs";
import { faults } from "./faults.mjs";
import { injection } from "./injection.mjs";
import { keyboard } from "./keyboard.mjs";
import { languages } from "./languages.mjs";
import { manyMembers } from "./members.mjs";
import { pointing } from "./pointing.mjs";
import { previews } from "./previews.mjs";
import { reading } from "./reading.mjs";
import { shortcuts } from "./shortcuts.mjs";
import { tabs } from "./tabs.mjs";
import { underPath } from "./under_path.mjs";
import { writing } from "./writing.mjs";

const { by } = actions;
const run = Date.now().toString(36);
const ADA = { username: `ada-${run}`, name: "Ada Byron" };
const GRACE = { username: `grace-${run}`, name: "Grace H." };
const GROUP = `Picnic ${run}`;
const RENAMED = `Sunday ${run}`;
const MANY = 240;

const options = readArguments();
const harness = new Harness(options);
const step = harness.step.bind(harness);
let ada;
let grace;

async function meet() {
  await step("both register", async () => {
    ada = await harness.person("ada");
    grace = await harness.person("grace", { colorScheme: "dark" });
    await harness.screen("01-entrance", ada.page);
    await actions.register(ada.page, ADA.username, ADA.name);
    await actions.register(grace.page, GRACE.username, GRACE.name);
    await harness.screen("02-empty", ada.page);
  });
  await step("Ada finds Grace and opens a direct conversation, and Grace accepts", async () => {
    await actions.openDirect(ada.page, GRACE);
    await actions.acceptRequest(grace.page, ADA.name);
  });
}

async function talk() {
  await step("a message is delivered and counted as unread", async () => {
    await actions.send(ada.page, "Hello Grace");
    await eventually("one unread", async () => (await by(grace.page, "unread").first().textContent()) === "1");
    await actions.reachesState(ada.page, "Hello Grace", ["delivered"]);
    await harness.screen("03-unread", grace.page);
  });
  await step("opening the conversation marks it as read and clears the count", async () => {
    await actions.openConversation(grace.page, ADA.name);
    await actions.appearsOnce(grace.page, "Hello Grace");
    await actions.reachesState(ada.page, "Hello Grace", ["read"]);
    await eventually("no unread", async () => (await by(grace.page, "unread").count()) === 0);
  });
  await step("Ada sees that Grace is online, now that Grace takes part", async () => {
    const dot = ada.page.locator(".pane-header [data-testid=presence]");
    await eventually("online dot", async () => (await dot.getAttribute("data-status")) === "online");
  });
  await step("typing is shown, and ends with the message", async () => {
    await by(grace.page, "composer").pressSequentially("Hi Ada", { delay: 30 });
    await by(ada.page, "typing").waitFor();
    await harness.screen("04-typing", ada.page);
    await by(grace.page, "send").click();
    await actions.appearsOnce(ada.page, "Hi Ada");
    await by(ada.page, "typing").waitFor({ state: "detached" });
    await actions.reachesState(grace.page, "Hi Ada", ["read"]);
  });
  await step("many quick messages keep their order", async () => {
    const texts = Array.from({ length: 8 }, (_, at) => `quick ${at}`);
    for (const text of texts) await actions.send(ada.page, text);
    await actions.appearsOnce(grace.page, "quick 7");
    const seen = await by(grace.page, "message-text").allTextContents();
    equal(seen.filter((text) => text.startsWith("quick")).join(), texts.join(), "order");
  });
}

async function change() {
  await step("an edit shows on both sides", async () => {
    await actions.clickAction(ada.page, "quick 0", "edit");
    await actions.send(ada.page, "Shall we have a picnic?");
    await actions.appearsOnce(ada.page, "Shall we have a picnic?");
    await actions.appearsOnce(grace.page, "Shall we have a picnic?");
    await by(grace.page, "edited").first().waitFor();
  });
  await step("a redaction removes the text on both sides", async () => {
    await actions.clickAction(ada.page, "quick 1", "redact");
    await by(ada.page, "redact-confirm").click();
    for (const { page } of [ada, grace]) {
      await actions.message(page, "Message deleted").waitFor();
      equal(await actions.message(page, "quick 1").count(), 0, "redacted texts");
    }
  });
  await step("a reaction is shown and can be removed", async () => {
    await actions.clickAction(grace.page, "Shall we have a picnic?", "react");
    await grace.page.locator('[data-testid=react-option][data-emoji="👍"]').click();
    await by(ada.page, "reaction").waitFor();
    await by(ada.page, "reaction").click();
    await eventually("two", async () => (await by(grace.page, "reaction").textContent()).includes("2"));
    await by(ada.page, "reaction").click();
    await eventually("one", async () => (await by(grace.page, "reaction").textContent()).includes("1"));
  });
  await step("a reply quotes the original message", async () => {
    await actions.clickAction(grace.page, "Shall we have a picnic?", "reply");
    await actions.send(grace.page, "Yes, on Sunday");
    await actions.appearsOnce(ada.page, "Yes, on Sunday");
    const quote = actions.message(ada.page, "Yes, on Sunday").getByTestId("quote");
    equal((await quote.textContent()).includes("picnic"), true, "the quote names its target");
  });
  await step("markup is shown as text", async () => {
    const text = `<img src=x onerror="alert(1)"> <b>bold</b> &amp; <script>alert(2)</script>`;
    await actions.send(ada.page, text);
    await actions.appearsOnce(grace.page, text);
    equal(await by(grace.page, "timeline").locator("img, b, script").count(), 0, "elements made of text");
    await harness.screen("05-conversation-light", ada.page);
    await harness.screen("06-conversation-dark", grace.page);
  });
}

async function group() {
  await step("both are in a group", async () => {
    await by(ada.page, "new-group").click();
    await by(ada.page, "group-title").fill(GROUP);
    await actions.search(ada.page, GRACE.username);
    await harness.screen("07-new-group", ada.page);
    await by(ada.page, "group-create").click();
    await by(ada.page, "header-title").filter({ hasText: GROUP }).waitFor();
    await by(ada.page, "notice").filter({ hasText: "You created the group" }).waitFor();
    await actions.openConversation(grace.page, GROUP);
    await actions.send(ada.page, "Who brings the cake?");
    await actions.appearsOnce(grace.page, "Who brings the cake?");
    await actions.send(grace.page, "I do");
    await actions.appearsOnce(ada.page, "I do");
    await actions.reachesState(ada.page, "Who brings the cake?", ["read"]);
  });
  await step("the title changes; members are listed, removed and added again", async () => {
    await by(ada.page, "show-members").click();
    await eventually("two members", async () => (await by(ada.page, "member-item").count()) === 2);
    await by(ada.page, "rename").click();
    await by(ada.page, "group-title").fill(RENAMED);
    await by(ada.page, "rename-save").click();
    await by(grace.page, "header-title").filter({ hasText: RENAMED }).waitFor();
    await harness.screen("08-members", ada.page);
    await by(ada.page, "member-menu").click();
    await by(ada.page, "member-remove").click();
    await actions.confirm(ada.page);
    await eventually("one member", async () => (await by(ada.page, "member-item").count()) === 1);
    await by(grace.page, "conversation-item").filter({ hasText: GROUP }).waitFor({ state: "detached" });
    await by(grace.page, "note").filter({ hasText: `You are no longer in “${RENAMED}”` }).waitFor();
    await by(ada.page, "member-add").click();
    await actions.search(ada.page, GRACE.username);
    await actions.openConversation(grace.page, RENAMED);
    await by(ada.page, "show-members").click();
    await actions.send(ada.page, "Welcome back");
    await actions.appearsOnce(grace.page, "Welcome back");
    equal(await actions.message(grace.page, "I do").count(), 0, "messages from before the new join");
  });
}

async function history() {
  await step(`${MANY} messages arrive in order`, async () => {
    const id = await by(ada.page, "conversation-item").first().getAttribute("data-conversation");
    await actions.sendMany(ada.page, id, Array.from({ length: MANY }, (_, at) => `line ${at}`));
    await actions.appearsOnce(grace.page, `line ${MANY - 1}`);
    for (const { page } of [ada, grace]) {
      await actions.isVisible(page, `line ${MANY - 1}`);
      equal(await by(page, "to-end").count(), 0, "buttons to the newest message, at the end");
    }
    await actions.reachesState(ada.page, `line ${MANY - 1}`, ["read"]);
  });
  await step("a reload keeps the login and the conversation", async () => {
    await grace.page.reload();
    await by(grace.page, "header-title").filter({ hasText: RENAMED }).waitFor();
    await actions.isVisible(grace.page, `line ${MANY - 1}`);
    await actions.waitOnline(grace.page);
  });
  await step("a new message at the end makes its own row alone", async () => {
    const made = await actions.rowsMade(grace.page, async () => {
      await actions.send(ada.page, "One more row");
      await actions.isVisible(grace.page, "One more row");
    });
    equal(made >= 1 && made <= 3, true, `rows made: ${made}; one, and another one if the view moves`);
  });
  await step("older pages load without moving the view", async () => {
    const moved = await actions.movedByOlderPage(grace.page);
    equal(moved <= 1, true, `pixels moved: ${moved}; at most one`);
    await actions.scrollToBeginning(grace.page);
    const lines = (await actions.allTexts(grace.page)).filter((text) => text.startsWith("line"));
    await by(grace.page, "timeline").evaluate((box) => (box.scrollTop = 0));
    equal(lines.join(), Array.from({ length: MANY }, (_, at) => `line ${at}`).join(), "all lines, once, in order");
    await harness.screen("09-beginning", grace.page);
  });
  await step("a second tab of the same login shows the same messages", async () => {
    const tab = await harness.page("grace-second-tab", grace.context);
    await actions.openConversation(tab, RENAMED);
    await actions.send(tab, "From another tab");
    await actions.appearsOnce(ada.page, "From another tab");
    const made = await actions.rowsMade(grace.page, () => by(grace.page, "to-end").click());
    equal(made < MANY / 2, true, `rows made on the way to the end: ${made}; only those near it`);
    await actions.appearsOnce(grace.page, "From another tab");
    await tab.close();
    harness.pages.delete("grace-second-tab");
  });
}

async function cutOff() {
  await step("messages written offline survive a reload and are sent in order", async () => {
    const connection = await actions.disconnect(ada.page);
    const waiting = ["Written offline, one", "Written offline, two"];
    await ada.page.reload();
    await eventually("offline", async () => (await by(ada.page, "connection").getAttribute("data-state")) === "offline");
    for (const text of waiting) await actions.send(ada.page, text);
    for (const text of waiting) await actions.reachesState(ada.page, text, ["queued"]);
    await actions.clickAction(ada.page, `line ${MANY - 1}`, "edit");
    await actions.send(ada.page, "Edited offline");
    await actions.clickAction(ada.page, "From another tab", "react");
    await ada.page.locator('[data-testid=react-option][data-emoji="🎉"]').click();
    await harness.screen("10-offline", ada.page);
    await ada.page.reload();
    for (const text of [...waiting, "Edited offline", "From another tab"]) await actions.reachesState(ada.page, text, ["queued"]);
    await actions.message(ada.page, "From another tab").getByTestId("reaction").waitFor();
    const status = by(ada.page, "conversation-list").getByTestId("presence").first();
    equal(await status.getAttribute("data-status"), "unknown", "presence of others while offline");
    const texts = await Promise.all(waiting.map((text) => actions.message(ada.page, text).getByTestId("message-text").elementHandle()));
    connection.open();
    for (const text of waiting) await actions.reachesState(ada.page, text, ["sent", "delivered", "read"], 30_000);
    for (const text of [...waiting, "Edited offline"]) await actions.appearsOnce(grace.page, text);
    await actions.message(grace.page, "From another tab").getByTestId("reaction").waitFor();
    const seen = await by(grace.page, "message-text").allTextContents();
    equal(seen.filter((text) => text.startsWith("Written offline")).join(), waiting.join(), "order");
    for (const text of waiting) await actions.reachesState(ada.page, text, ["delivered", "read"]); // its entry has arrived
    for (const text of texts) equal(await text.evaluate((it) => it.isConnected), true, "the text of a queued message stays in the page when its entry arrives");
    await actions.waitOnline(ada.page, 60_000);
  });
  await step("the bar about the connection covers nothing, and its button reconnects at once", async () => {
    const sockets = await actions.blockSockets(ada.page);
    await ada.page.reload();
    await actions.waitFor(ada.page, "polling");
    await by(ada.page, "retry-now").waitFor();
    await harness.screen("10-bar", ada.page);
    const boxes = await Promise.all([".banner", ".pane-header", ".sidebar-header"].map((it) => ada.page.locator(it).boundingBox()));
    equal(boxes.slice(1).every((box) => box.y >= boxes[0].y + boxes[0].height), true, "nothing is below the bar");
    sockets.open();
    await by(ada.page, "retry-now").click();
    await actions.waitOnline(ada.page, 5_000);
    await by(ada.page, "retry-now").waitFor({ state: "detached" });
  });
}

async function restart() {
  if (!options.restart) return;
  await step("a restart of the gateway loses and duplicates nothing", async () => {
    const restarted = harness.restart();
    await eventually("not online", async () => (await by(ada.page, "connection").getAttribute("data-state")) !== "online");
    await actions.send(ada.page, "Sent during the restart");
    await harness.screen("11-restart", ada.page);
    await restarted;
    await actions.waitOnline(ada.page, 60_000);
    await actions.waitOnline(grace.page, 60_000);
    await actions.reachesState(ada.page, "Sent during the restart", ["sent", "delivered", "read"], 30_000);
    await actions.appearsOnce(grace.page, "Sent during the restart");
    await actions.send(grace.page, "And back");
    await actions.appearsOnce(ada.page, "And back");
  });
}

async function leave() {
  await step("a phone shows one pane at a time", async () => {
    await ada.page.setViewportSize({ width: 390, height: 780 });
    await harness.screen("12-phone-conversation", ada.page);
    await by(ada.page, "back").click();
    await by(ada.page, "conversation-item").first().waitFor();
    await harness.screen("13-phone-list", ada.page);
    await ada.page.setViewportSize({ width: 1180, height: 760 });
  });
  await step("Grace leaves the group, and Ada sees it", async () => {
    await by(grace.page, "show-members").click();
    await by(grace.page, "leave").click();
    await actions.confirm(grace.page);
    await by(grace.page, "conversation-item").filter({ hasText: RENAMED }).waitFor({ state: "detached" });
    await actions.openConversation(ada.page, RENAMED);
    await by(ada.page, "notice").filter({ hasText: `${GRACE.name} left` }).waitFor();
  });
  await step("logout ends the session, and login restores the conversations", async () => {
    await actions.logOut(grace.page);
    equal(await grace.page.evaluate(() => localStorage.getItem("confab.login")), null, "kept login");
    await actions.logIn(grace.page, GRACE.username);
    await actions.openConversation(grace.page, ADA.name);
    await actions.appearsOnce(grace.page, "Yes, on Sunday");
  });
}

const parts = { ...details, account, alerts, bubbles, consent, developer, emoji, everyday, faults, injection, keyboard, languages, manyMembers, pointing, previews, reading, shortcuts, tabs, underPath, writing };

function more(...names) {
  return async () => {
    const people = { ada: ADA, grace: GRACE };
    for (const name of names) await parts[name]({ step, harness, people, ada, grace, group: RENAMED });
  };
}

await harness.run(async () => {
  for (const part of [meet, talk, change, more("drafts", "focus"), group, more("strangers"), history, cutOff, restart]) await part();
  for (const part of [more("catchingUp", "oldQuotes", "owners"), leave, more("tabs", "underPath", "writing", "reading", "bubbles", "previews", "pointing", "emoji", "alerts", "faults", "shortcuts", "keyboard", "languages", "developer", "injection", "manyMembers", "consent", "everyday", "longList", "account")]) await part();
});
