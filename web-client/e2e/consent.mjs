// Steps for privacy and consent: requests, blocks, hidden conversations, privacy settings.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;

/** Opens a direct conversation with a person and writes the first message. */
async function writeTo(page, person, text) {
  await actions.openDirect(page, person);
  await actions.send(page, text);
}

async function openSettings(page, name) {
  await by(page, "me").click();
  await by(page, `settings-${name}`).click();
}

/** Returns the commands that a page has sent for a conversation over its sockets. */
function recordCommands(page) {
  const commands = [];
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => commands.push(JSON.parse(payload))));
  return (conversation) => commands.filter((command) => command.conversation === conversation).map(({ cmd }) => cmd);
}

export async function consent({ step, harness, people, ada, grace }) {
  const run = people.ada.username.split("-")[1];
  const IVY = { username: `ivy-${run}`, name: "Ivy Moor" };
  const HAL = { username: `hal-${run}`, name: "Hal West" };
  const ivy = await harness.person("ivy");
  const hal = await harness.person("hal", { colorScheme: "dark" });
  const commandsOf = recordCommands(ivy.page);
  await actions.register(ivy.page, IVY.username, IVY.name);
  await actions.register(hal.page, HAL.username, HAL.name);

  await step("a stranger's first message is a request, and sends no receipts or typing", async () => {
    await writeTo(hal.page, IVY, "Hello, we met at the lake");
    await by(ivy.page, "requests").waitFor();
    equal(await by(ivy.page, "requests-count").textContent(), "1", "requests");
    equal(await by(ivy.page, "conversation-list").getByTestId("conversation-item").count(), 0, "open conversations");
    equal(await ivy.page.title(), "Confab", "title of the page");
    await actions.openRequest(ivy.page, HAL.name);
    equal(await by(ivy.page, "request-text").textContent(), `${HAL.name} wants to write to you`, "request");
    await actions.isVisible(ivy.page, "Hello, we met at the lake");
    await by(ivy.page, "composer").pressSequentially("Hm");
    await harness.screen("20-request", ivy.page);
    await actions.send(hal.page, "Do you remember?");
    await actions.appearsOnce(ivy.page, "Do you remember?");
    await actions.reachesState(hal.page, "Hello, we met at the lake", ["sent"]);
    const id = await by(hal.page, "conversation-item").first().getAttribute("data-conversation");
    equal(commandsOf(id).filter((cmd) => cmd !== "history").join(), "", "commands for the request");
  });
  await step("accepting opens the conversation and sends the receipts", async () => {
    await by(ivy.page, "request-accept").click();
    await by(ivy.page, "request-bar").waitFor({ state: "detached" });
    await by(ivy.page, "conversation-list").getByTestId("conversation-item").waitFor();
    equal(await by(ivy.page, "requests").count(), 0, "requests");
    await actions.reachesState(hal.page, "Do you remember?", ["read"]);
  });
  await step("an answer accepts a request", async () => {
    await writeTo(grace.page, IVY, "Hello from Grace");
    await actions.openRequest(ivy.page, people.grace.name);
    await actions.send(ivy.page, "Hello Grace");
    await by(ivy.page, "request-bar").waitFor({ state: "detached" });
    await actions.appearsOnce(grace.page, "Hello Grace");
    equal(await by(ivy.page, "requests").count(), 0, "requests");
  });
  await step("a group of a stranger is a request, and stays away when it is declined", async () => {
    await by(ada.page, "new-group").click();
    await by(ada.page, "group-title").fill("Raffle");
    await actions.search(ada.page, IVY.username);
    await by(ada.page, "group-create").click();
    await by(ada.page, "header-title").filter({ hasText: "Raffle" }).waitFor();
    await actions.openRequest(ivy.page, "Raffle");
    await by(ivy.page, "request-text").filter({ hasText: `${people.ada.name} added you to “Raffle”` }).waitFor();
    await harness.screen("21-group-request", ivy.page);
    await by(ivy.page, "request-decline").click();
    await actions.confirm(ivy.page);
    await by(ivy.page, "request-bar").waitFor({ state: "detached" });
    await actions.send(ada.page, "You have won");
    await actions.reachesState(ada.page, "You have won", ["sent"]);
    await ivy.page.reload();
    await by(ivy.page, "conversation-list").getByTestId("conversation-item").first().waitFor();
    equal(await by(ivy.page, "requests").count(), 0, "requests");
  });
  await step("a blocked stranger cannot write, and can be unblocked in the settings", async () => {
    await writeTo(ada.page, IVY, "Claim your prize");
    await actions.openRequest(ivy.page, people.ada.name);
    await by(ivy.page, "request-block").click();
    await harness.screen("22-block", ivy.page);
    await actions.confirm(ivy.page);
    await by(ivy.page, "request-bar").waitFor({ state: "detached" });
    await actions.send(ada.page, "Hurry");
    await actions.reachesState(ada.page, "Hurry", ["failed"]);
    await actions.message(ada.page, "Hurry").getByText(`${IVY.name} does not accept messages from you.`).waitFor();
    await actions.message(ada.page, "Hurry").getByTestId("discard").click();
    await openSettings(ivy.page, "blocked");
    await by(ivy.page, "blocked-item").filter({ hasText: people.ada.name }).waitFor();
    await harness.screen("23-blocked", ivy.page);
    await by(ivy.page, "unblock").click();
    await by(ivy.page, "blocked-empty").waitFor();
    await ivy.page.keyboard.press("Escape");
  });
  await step("blocking from the menu replaces the composer until it is undone", async () => {
    await actions.openConversation(ivy.page, HAL.name);
    await by(ivy.page, "conversation-menu").focus();
    await ivy.page.keyboard.press("Enter");
    await by(ivy.page, "show-profile").and(ivy.page.locator(":focus")).waitFor();
    await ivy.page.keyboard.press("Escape");
    equal(await by(ivy.page, "conversation-menu").evaluate((it) => it === document.activeElement), true, "focus");
    await by(ivy.page, "conversation-menu").click();
    await by(ivy.page, "block").click();
    await actions.confirm(ivy.page);
    await by(ivy.page, "blocked-bar").waitFor();
    equal(await by(ivy.page, "composer").count(), 0, "composers");
    await by(ivy.page, "blocked-bar-unblock").click();
    await by(ivy.page, "composer").waitFor();
  });
  await step("a hidden conversation returns with its next message", async () => {
    await by(ivy.page, "conversation-menu").click();
    await by(ivy.page, "hide").click();
    const item = by(ivy.page, "conversation-item").filter({ hasText: HAL.name });
    await item.waitFor({ state: "detached" });
    await ivy.page.reload();
    await by(ivy.page, "conversation-item").filter({ hasText: people.grace.name }).waitFor();
    equal(await item.count(), 0, "hidden conversations");
    await actions.send(hal.page, "Are you still there?");
    await item.filter({ hasText: "Are you still there?" }).waitFor();
  });
  await step("another tab follows requests that are accepted or declined, and hidden conversations", async () => {
    const tab = await harness.page("ivy-second-tab", ivy.context);
    const lia = await harness.person("lia");
    await actions.register(lia.page, `lia-${run}`, "Lia");
    await writeTo(lia.page, IVY, "Hello from Lia");
    for (const page of [tab, ivy.page]) await by(page, "requests").waitFor();
    await actions.acceptRequest(tab, "Lia");
    const item = by(ivy.page, "conversation-list").getByTestId("conversation-item").filter({ hasText: "Lia" });
    await item.waitFor();
    await by(ivy.page, "requests").waitFor({ state: "detached" });
    await actions.openConversation(tab, "Lia");
    await by(tab, "conversation-menu").click();
    await by(tab, "hide").click();
    await item.waitFor({ state: "detached" });
    await by(ada.page, "new-group").click();
    await by(ada.page, "group-title").fill("Another raffle");
    await actions.search(ada.page, IVY.username);
    await by(ada.page, "group-create").click();
    for (const page of [tab, ivy.page]) await by(page, "requests").waitFor();
    await actions.openRequest(tab, "Another raffle");
    await by(tab, "request-decline").click();
    await actions.confirm(tab);
    for (const page of [tab, ivy.page]) await by(page, "requests").waitFor({ state: "detached" });
    equal(await by(ivy.page, "note").count(), 0, "notes about what this user did");
    await lia.context.close();
    await tab.close();
    for (const name of ["lia", "ivy-second-tab"]) harness.pages.delete(name);
  });
  await step("privacy settings keep strangers out, who read why", async () => {
    await openSettings(ivy.page, "privacy");
    await by(ivy.page, "privacy-direct-messages").selectOption("nobody");
    await by(ivy.page, "privacy-add-to-groups").selectOption("nobody");
    await by(ivy.page, "privacy-read-receipts").click();
    await harness.screen("24-privacy", ivy.page);
    await ivy.page.reload();
    await openSettings(ivy.page, "privacy");
    equal(await by(ivy.page, "privacy-direct-messages").inputValue(), "nobody", "who can write");
    equal(await by(ivy.page, "privacy-read-receipts").isChecked(), false, "read receipts");
    await ivy.page.keyboard.press("Escape");
    const kim = await harness.person("kim");
    await actions.register(kim.page, `kim-${run}`, "Kim");
    await by(kim.page, "new-direct").click();
    await actions.search(kim.page, IVY.username);
    await by(kim.page, "dialog-error").filter({ hasText: `${IVY.name} does not accept messages from you.` }).waitFor();
    await kim.page.keyboard.press("Escape");
    await by(kim.page, "new-group").click();
    await by(kim.page, "group-title").fill("Kim's group");
    await actions.search(kim.page, IVY.username);
    await by(kim.page, "group-create").click();
    await by(kim.page, "dialog-error").filter({ hasText: `${IVY.name} does not let you add them to groups.` }).waitFor();
    await kim.context.close();
    harness.pages.delete("kim");
  });
  for (const { name, context } of [ivy, hal]) {
    await context.close();
    harness.pages.delete(name);
  }
}
