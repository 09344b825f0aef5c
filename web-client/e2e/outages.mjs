// Two users while the gateway is killed, stopped and restarted, while the network is gone, and behind a proxy that
// misbehaves. It starts its own gateway.
//
//     node e2e/outages.mjs target/debug/confab --screenshots screenshots

import * as actions from "./page.mjs";
import { OwnGateway } from "./gateway.mjs";
import { equal, eventually, Harness, readArguments } from "./harness.mjs";
import { startProxy } from "./proxy.mjs";
import { RestUser } from "./rest.mjs";

const { by } = actions;
const SENT = ["sent", "delivered", "read"];
/** Long enough for the longest pause before an attempt to connect, on a slow machine. */
const BACK_MS = 60_000;
/** A command waits 10 s for its reply. The rest is for a slow machine. */
const NOTICED_MS = 15_000;
/** The browser reports a lost network at once. */
const AT_ONCE_MS = 3_000;
const GROUPS = 60;
const ARRIVED = 3;
const ADA = { username: "ada", name: "Ada Byron" };
const GRACE = { username: "grace", name: "Grace Hopper" };
const WAITS = "Not connected. Your messages will be sent when the connection is back.";
/** While nothing answers, each attempt waits for its timeout. */
const CONNECTS = "Connecting…";
const NOT_LOADED = "This part of the page could not be loaded. Check your connection, or reload the page.";
const UNREACHABLE = "Confab cannot be reached. Check your connection and try again.";

const { base: binary, ...options } = readArguments();
const gateway = await OwnGateway.start(binary);
const harness = new Harness({ ...options, base: gateway.url });
const step = harness.step.bind(harness);
let ada;
let grace;
let proxy;

async function meet() {
  await step("two people talk in two contexts", async () => {
    [ada, grace] = await actions.meet(harness, ADA, GRACE);
    await actions.openConversation(grace.page, ADA.name);
    await actions.send(ada.page, "Before any outage");
    await actions.appearsOnce(grace.page, "Before any outage");
  });
}

async function killed() {
  await step("a gateway that is killed and restarted loses and repeats nothing", async () => {
    await gateway.kill();
    for (const { page } of [ada, grace]) await notOnline(page, NOTICED_MS);
    await actions.send(ada.page, "From Ada, while it was down");
    await actions.send(grace.page, "From Grace, while it was down");
    await saysThatItWaits(ada.page, "From Ada, while it was down");
    await harness.screen("50-killed", ada.page);
    await gateway.start();
    await actions.reachesState(ada.page, "From Ada, while it was down", SENT, BACK_MS);
    await actions.reachesState(grace.page, "From Grace, while it was down", SENT, BACK_MS);
    await actions.appearsOnce(grace.page, "From Ada, while it was down", BACK_MS);
    await actions.appearsOnce(ada.page, "From Grace, while it was down", BACK_MS);
    await actions.appearsOnce(ada.page, "Before any outage", BACK_MS);
  });
  await step("three tabs of one login have one connection again after the gateway was killed", async () => {
    const tabs = [ada.page];
    for (const name of ["ada-second-tab", "ada-third-tab"]) {
      const tab = await harness.page(name, ada.context);
      await actions.openConversation(tab, GRACE.name);
      tabs.push(tab);
    }
    const { count } = actions.countSockets(tabs);
    for (const tab of tabs) await tab.reload();
    for (const tab of tabs) await actions.waitOnline(tab);
    await eventually("one socket", () => count() === 1);
    await gateway.kill();
    await eventually("no socket", () => count() === 0);
    await actions.send(tabs[2], "To three tabs");
    await gateway.start();
    for (const tab of tabs) await actions.reachesState(tab, "To three tabs", SENT, BACK_MS);
    for (const tab of tabs) await actions.appearsOnce(tab, "To three tabs", BACK_MS);
    await eventually("one socket", () => count() === 1, BACK_MS);
    for (const tab of tabs.slice(1)) await tab.close();
    harness.pages.delete("ada-second-tab");
    harness.pages.delete("ada-third-tab");
  });
}

async function stopped() {
  await step("a gateway that does not react is noticed when a message is sent, which is stored once", async () => {
    for (const { page } of [ada, grace]) await actions.waitOnline(page, BACK_MS);
    gateway.pause();
    await actions.send(ada.page, "To a stopped gateway");
    await notOnline(ada.page, NOTICED_MS);
    await actions.reachesState(ada.page, "To a stopped gateway", ["queued"]);
    gateway.resume();
    await actions.reachesState(ada.page, "To a stopped gateway", SENT, BACK_MS);
    await actions.appearsOnce(ada.page, "To a stopped gateway", BACK_MS);
    await actions.appearsOnce(grace.page, "To a stopped gateway", BACK_MS);
  });
}

async function network() {
  await step("a lost network is noticed at once, and what was written is sent when it is back", async () => {
    await actions.waitOnline(ada.page, BACK_MS);
    await ada.context.setOffline(true);
    await notOnline(ada.page, AT_ONCE_MS);
    for (const text of ["Written in a tunnel, one", "Written in a tunnel, two"]) await actions.send(ada.page, text);
    await actions.send(grace.page, "Sent to the tunnel");
    await saysThatItWaits(ada.page, "Written in a tunnel, one");
    await ada.context.setOffline(false);
    await actions.reachesState(ada.page, "Written in a tunnel, two", SENT, BACK_MS);
    await actions.appearsOnce(ada.page, "Sent to the tunnel");
    const seen = await by(grace.page, "message-text").allTextContents();
    equal(seen.filter((text) => text.startsWith("Written in a tunnel")).join(), "Written in a tunnel, one,Written in a tunnel, two", "order");
    await actions.waitOnline(ada.page, BACK_MS);
  });
  await step("what was read on another device during an outage is read here after it", async () => {
    const [adaElsewhere, graceElsewhere] = await Promise.all([ADA, GRACE].map(({ username }) => RestUser.logIn(gateway.url, username)));
    const groups = [];
    for (let at = 0; at < GROUPS; at += 1) groups.push(await graceElsewhere.openGroup(`Group ${at}`, [adaElsewhere]));
    for (const group of groups) await graceElsewhere.send(group, "Unread");
    await ada.page.bringToFront();
    await ada.page.setViewportSize({ width: 1180, height: 6_000 });
    const badges = by(ada.page, "conversation-list").getByTestId("unread");
    await eventually("all are unread", async () => (await badges.count()) === GROUPS);
    await eventually("the title", async () => (await ada.page.title()) === `(${GROUPS}) Confab`);
    await ada.context.setOffline(true);
    await notOnline(ada.page, AT_ONCE_MS);
    for (const group of groups) await adaElsewhere.read(group);
    await ada.context.setOffline(false);
    await actions.waitOnline(ada.page, BACK_MS);
    await eventually("none is unread", async () => (await badges.count()) === 0, BACK_MS);
    await eventually("the title", async () => (await ada.page.title()) === "Confab");
    await ada.page.setViewportSize({ width: 1180, height: 760 });
  });
  await step("the button to the newest message counts what arrives meanwhile", async () => {
    await graceSends(Array.from({ length: 40 }, (_, at) => `Earlier ${at}`));
    await actions.openConversation(ada.page, GRACE.name);
    await actions.isVisible(ada.page, "Earlier 39");
    await actions.scrollUpTo(ada.page, "Before any outage");
    await graceSends(Array.from({ length: ARRIVED }, (_, at) => `Meanwhile ${at}`));
    await by(ada.page, "to-end").locator(".unread").filter({ hasText: `${ARRIVED}` }).waitFor();
    await by(ada.page, "to-end").click();
    await actions.isVisible(ada.page, `Meanwhile ${ARRIVED - 1}`);
    await by(ada.page, "to-end").waitFor({ state: "detached" });
  });
}

async function hostile() {
  proxy = await startProxy(gateway.url);
  const { page, context } = await harness.person("ada-behind-proxy", { serviceWorkers: "block" }, proxy.url);
  await step("the log-in says that Confab cannot be reached while a proxy answers in its place", async () => {
    for (const answers of [404, 502]) {
      proxy.answerWith(answers);
      await by(page, "login-username").fill(ADA.username);
      await by(page, "login-password").fill(actions.PASSWORD);
      await by(page, "login-submit").click();
      await by(page, "entrance-error").filter({ hasText: UNREACHABLE }).waitFor();
    }
    proxy.answerWith("gateway");
  });
  await actions.logIn(page, ADA.username);
  await actions.openConversation(page, GRACE.name);
  for (const [what, answers] of [["answers with 404", 404], ["answers with 502", 502], ["stalls", "nothing"]]) {
    await step(`a proxy that ${what} ends no login and loses no message`, async () => {
      const text = `Behind a proxy that ${what}`;
      proxy.answerWith(answers);
      await actions.send(page, text);
      await notOnline(page, NOTICED_MS);
      await saysThatItWaits(page, text, answers === "nothing" ? CONNECTS : WAITS);
      await harness.screen(`51-proxy-${answers}`, page);
      await page.reload();
      await by(page, "me").waitFor();
      equal(await by(page, "login-username").count(), 0, "login pages");
      proxy.answerWith("gateway");
      await actions.reachesState(page, text, SENT, BACK_MS);
      await actions.appearsOnce(grace.page, text);
      await actions.send(grace.page, `Answer to: ${what}`);
      await actions.appearsOnce(page, `Answer to: ${what}`);
      await actions.waitOnline(page, BACK_MS);
    });
  }
  await step("a part of the page that cannot be loaded says so, and opens when it is asked for again", async () => {
    proxy.loseAssets(true);
    await by(page, "me").click();
    await by(page, "note").filter({ hasText: NOT_LOADED }).waitFor();
    proxy.loseAssets(false);
    await by(page, "me").click();
    await by(page, "settings-dialog").waitFor();
    equal(await by(page, "settings-name").evaluate((item) => getComputedStyle(item).display), "flex", "the item is laid out by its style sheet");
    await page.keyboard.press("Escape");
  });
  await step("a proxy that passes no sockets leaves long polling, which says so", async () => {
    proxy.refuseSockets(true);
    await actions.waitFor(page, "polling", BACK_MS);
    await actions.send(page, "Sent while polling");
    await actions.appearsOnce(grace.page, "Sent while polling");
    await actions.send(grace.page, "Received by a poll");
    await actions.appearsOnce(page, "Received by a poll");
    await by(page, "connection").getByText("Limited connection: messages may arrive a little later.").waitFor();
    await harness.screen("52-polling", page);
    proxy.refuseSockets(false);
    // The page may try again by itself before the button is clicked.
    await Promise.race([by(page, "retry-now").click(), actions.waitOnline(page, BACK_MS)]);
    await actions.waitOnline(page, BACK_MS);
  });
  await context.close();
  harness.pages.delete("ada-behind-proxy");
}

const notOnline = (page, ms) => eventually("not online", async () => (await by(page, "connection").getAttribute("data-state")) !== "online", ms);

/** The message waits, and the page says what is going on and offers to try again. */
async function saysThatItWaits(page, text, says = WAITS) {
  await actions.reachesState(page, text, ["queued"]);
  await by(page, "connection").getByText(says).waitFor({ timeout: BACK_MS });
  await by(page, "retry-now").waitFor();
}

async function graceSends(texts) {
  const id = await actions.openedId(grace.page);
  await actions.sendMany(grace.page, id, texts);
}

try {
  await harness.run(async () => {
    for (const part of [meet, killed, stopped, network, hostile]) await part();
  });
} finally {
  proxy?.close();
  await gateway.stop();
}
