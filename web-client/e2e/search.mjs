// Search: messages are found from the list and within a conversation, with filters, by keyboard, and on a phone.
//
//     node e2e/search.mjs http://127.0.0.1:8080 --screenshots screenshots

import * as actions from "./page.mjs";
import { equal, eventually, Harness, readArguments } from "./harness.mjs";

const { by } = actions;
const run = Date.now().toString(36);
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const ADA = { username: `ada-${run}`, name: "Ada Byron" };
const GRACE = { username: `grace-${run}`, name: "Grace Hopper" };
const GROUP = "Engine room";
const OLD = "The engine prints Bernoulli numbers at dawn";
const LINK = "The plans are at https://example.org/plans";
const SCRIPT = `<img src=x onerror="alert(1)"> zebra <b>bold</b>`;
const LINES = 130;
const INDEXED_MS = 10_000;

const harness = new Harness(readArguments());
const step = harness.step.bind(harness);
let ada;
let grace;
let group;

async function prepare() {
  await step("two people have written many messages", async () => {
    [ada, grace] = await actions.meet(harness, ADA, GRACE);
    await actions.openGroup(ada.page, GROUP, [await actions.userId(grace.page)]);
    await actions.openConversation(ada.page, GROUP);
    group = await actions.openedId(ada.page);
    await actions.openConversation(grace.page, GROUP);
    await actions.send(ada.page, OLD);
    await actions.sendMany(ada.page, group, Array.from({ length: LINES }, (_, at) => `line ${at} of the log`));
    await actions.send(grace.page, LINK);
    await actions.send(grace.page, "An engine needs oil");
    await actions.send(ada.page, SCRIPT);
    await actions.appearsOnce(grace.page, SCRIPT);
    await eventually("everything is indexed", async () => (await findOverRest(ada.page, "zebra")) === 1, INDEXED_MS);
  });
}

async function fromTheList() {
  await step("one field finds conversations and messages", async () => {
    const { page } = ada;
    await page.evaluate(() => (location.hash = "#/"));
    await by(page, "conversation-filter").fill("engine");
    await isFound(page, 2);
    equal(await by(page, "conversation-list").getByTestId("conversation-item").count(), 1, "conversations with this title");
    equal(await by(page, "found").locator("mark").allTextContents().then((all) => all.join()), "engine,engine", "highlighted words");
    equal(await by(page, "found-count").textContent(), "2 messages", "what a screen reader hears");
    await harness.screen("70-search-list", page);
  });
  await step("the last word may be unfinished, and a click goes to the message in its history", async () => {
    const { page } = ada;
    await by(page, "conversation-filter").fill("bernou");
    await isFound(page, 1);
    await by(page, "none-found").waitFor();
    await by(page, "found").click();
    await by(page, "header-title").filter({ hasText: GROUP }).waitFor();
    await isPointedAt(page, OLD);
    await harness.screen("71-search-jump", page);
  });
  await step("arrows, Enter and Escape are enough", async () => {
    const { page } = grace;
    await page.evaluate(() => (location.hash = "#/"));
    const field = by(page, "conversation-filter");
    await field.fill("engine");
    await isFound(page, 2);
    await field.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    equal(await focusedId(page), "found", "the focus after two arrows");
    await harness.screen("72-search-list-dark", page);
    await page.keyboard.press("ArrowUp");
    equal(await focusedId(page), "conversation-item", "the focus after one up");
    await page.keyboard.press("Escape");
    equal(await focusedId(page), "conversation-filter", "the focus after Escape");
    await field.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await isPointedAt(page, OLD);
    await field.press("Escape");
    await by(page, "list-search").waitFor({ state: "detached" });
  });
  await step("markup in a message that is found is text", async () => {
    const { page } = ada;
    await by(page, "conversation-filter").fill("zebra");
    await by(page, "found").filter({ hasText: SCRIPT }).waitFor();
    equal(await by(page, "found-list").locator("img, b, script").count(), 0, "elements made of text");
    await by(page, "conversation-filter").fill("no such words anywhere");
    await eventually("nothing found", async () => (await by(page, "found-count").textContent()) === "No messages found.");
    await harness.screen("73-search-none", page);
    await by(page, "conversation-filter").fill("");
  });
}

async function inTheConversation() {
  const { page } = ada;
  await step("Ctrl F searches the open conversation, and pages are read while scrolling", async () => {
    await actions.openConversation(page, GROUP);
    await by(page, "composer").press("Control+f");
    await by(page, "search-text").waitFor();
    equal(await focusedId(page), "search-text", "the focus");
    await harness.screen("74-search-panel", page);
    await by(page, "search-text").fill("line log");
    await isFound(page, 30);
    equal(await by(page, "found-count").textContent(), "The 30 newest messages", "the count");
    await eventually("all messages", async () => {
      await by(page, "found").last().scrollIntoViewIfNeeded();
      return (await by(page, "found").count()) === LINES;
    });
    equal(await by(page, "found-count").textContent(), `${LINES} messages`, "the count at the end");
    await by(page, "found").last().click();
    await isPointedAt(page, "line 0 of the log");
    await harness.screen("75-search-panel-found", page);
  });
  await step("results can be filtered by links, people and days", async () => {
    await by(page, "search-text").fill("");
    await by(page, "filter-links").click();
    await isFound(page, 1);
    equal((await by(page, "found").textContent()).includes(LINK), true, "the message with a link");
    await by(page, "filter-links").click();
    await by(page, "filter-person").click();
    await by(page, "sender-option").filter({ hasText: GRACE.name }).waitFor();
    await harness.screen("76-search-sender", page);
    await by(page, "sender-search").fill("grace");
    await by(page, "sender-option").click();
    await isFound(page, 2);
    await by(page, "filter-since").fill("2099-01-01");
    await eventually("nothing found", async () => (await by(page, "found-count").textContent()) === "No messages found.");
    await harness.screen("77-search-filters", page);
    await by(page, "filter-since-remove").click();
    await isFound(page, 2);
    await by(page, "filter-person-remove").click();
    await by(page, "found").first().waitFor({ state: "detached" });
  });
  await step("a search that is not available says so, and is tried again", async () => {
    const problem = { code: "unavailable", message: "no index", retryable: true };
    await page.route("**/v1/search?*", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) }));
    await by(page, "search-text").fill("oil");
    await by(page, "found-failed").getByText("Messages cannot be searched right now. Try again later.").waitFor();
    await harness.screen("78-search-unavailable", page);
    await page.unroute("**/v1/search?*");
    await by(page, "found-retry").click();
    await isFound(page, 1);
    await by(page, "search-text").press("Escape");
    await by(page, "search-panel").waitFor({ state: "detached" });
    equal(await focusedId(page), "composer", "the focus after closing");
  });
}

async function elsewhere() {
  await step("a phone searches the list, and the conversation", async () => {
    const phone = await harness.person("ada-phone", { ...PHONE, colorScheme: "dark" });
    const { page } = phone;
    await actions.logIn(page, ADA.username);
    await by(page, "conversation-filter").fill("bernoulli");
    await isFound(page, 1);
    await harness.screen("79-search-phone", page);
    await by(page, "found").tap();
    await isPointedAt(page, OLD);
    await by(page, "show-search").tap();
    await by(page, "search-text").fill("oil");
    await by(page, "search-panel").getByTestId("found").waitFor();
    await harness.screen("80-search-panel-phone", page);
    await by(page, "search-panel").getByTestId("found").tap();
    await by(page, "search-panel").waitFor({ state: "detached" });
    await isPointedAt(page, "An engine needs oil");
    await phone.context.close();
    harness.pages.delete("ada-phone");
  });
  await step("the search reads from right to left in Arabic", async () => {
    const arabic = await harness.person("ada-arabic", { locale: "ar" });
    const { page } = arabic;
    await actions.logIn(page, ADA.username);
    await by(page, "conversation-filter").fill("engine");
    await isFound(page, 2);
    await actions.openConversation(page, GROUP);
    await by(page, "show-search").click();
    await by(page, "search-text").fill("line");
    await by(page, "search-panel").getByTestId("found").first().waitFor();
    await harness.screen("81-search-arabic", page);
    await arabic.context.close();
    harness.pages.delete("ada-arabic");
  });
}

const isFound = (page, count) => eventually(`${count} found`, async () => (await by(page, "found-list").locator("li").count()) === count);

const focusedId = (page) => page.evaluate(() => document.activeElement?.dataset.testid);

/** Waits until the message is on the screen, with the mark of what was looked for. */
async function isPointedAt(page, text) {
  await actions.message(page, text).and(page.locator(".pointed-at")).waitFor();
  await actions.isVisible(page, text);
}

/** Returns how many messages a search over REST finds. */
function findOverRest(page, q) {
  return page.evaluate(async (q) => {
    const { access_token } = JSON.parse(localStorage.getItem("confab.login"));
    const answer = await fetch(`/v1/search?${new URLSearchParams({ q })}`, { headers: { Authorization: `Bearer ${access_token}` } });
    return answer.ok ? (await answer.json()).items.length : 0;
  }, q);
}

await harness.run(async () => {
  for (const part of [prepare, fromTheList, inTheConversation, elsewhere]) await part();
});
