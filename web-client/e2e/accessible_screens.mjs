// The screens and dialogs of the page, in groups. Each function opens them one after the other, and changes nothing on the server.

import * as actions from "./page.mjs";
import { equal } from "./harness.mjs";

const { by } = actions;

export async function entrance({ page, ada, invite, screen }) {
  const start = page.url();
  await screen("invite above the log-in", async () => {
    await page.goto(new URL(invite, start).href);
    await by(page, "invited-group").waitFor();
  });
  await screen("ended invite above the log-in", async () => {
    await page.goto(new URL("/i/AAAAAAAAAAA", start).href);
    await by(page, "invite-refused").waitFor();
  });
  await page.goto(start);
  await screen("log-in");
  await screen("refused log-in", async () => {
    await by(page, "login-username").fill(ada.username);
    await by(page, "login-password").fill("wrong horse battery");
    await by(page, "login-submit").click();
    await by(page, "entrance-error").filter({ hasText: /\S/ }).waitFor();
  });
  await screen("registration", () => by(page, "show-register").click());
  await by(page, "show-login").click();
}

/** A second user of the browser, who has no conversations. */
export async function emptyList(tour) {
  const { page, noa, ada, screen } = tour;
  await actions.logOut(page);
  await actions.logIn(page, noa.username);
  await screen("empty list", () => by(page, "list-empty").waitFor());
  await actions.logOut(page);
  await actions.logIn(page, ada.username);
}

export async function list({ page, isPhone, screen, dialog, grace }) {
  await screen("list", () => by(page, "unread").first().waitFor());
  await screen("list without a match", async () => {
    await by(page, "conversation-filter").fill("no such title");
    await by(page, "none-found").waitFor();
  });
  await screen("found messages", async () => {
    await by(page, "conversation-filter").fill("tea");
    await by(page, "found").first().waitFor();
  });
  await by(page, "conversation-filter").fill("");
  await dialog("new conversation", async () => {
    await by(page, "new-direct").click();
    await by(page, "people-search").fill(grace.username);
    await by(page, "people-result").first().waitFor();
  });
  await dialog("new group", async () => {
    await by(page, "new-group").click();
    await by(page, "people-search").fill(grace.username);
    await by(page, "people-result").first().click();
    await by(page, "person-chosen").waitFor();
  });
  await dialog("log-out question", () => actions.askToLogOut(page));
  if (!isPhone) await screen("no conversation open", () => page.locator(".empty").waitFor());
}

export async function requests({ page, ivy, screen, dialog }) {
  await screen("requests", async () => {
    await by(page, "requests").click();
    await by(page, "request-list").waitFor();
  });
  await screen("request of a person", () => actions.openRequest(page, ivy.name));
  await dialog("decline question", () => by(page, "request-decline").click());
  await dialog("block question", () => by(page, "request-block").click());
  await toList(page);
  await screen("request of a group", () => actions.openRequest(page, "Raffle"));
  await toList(page);
}

export async function conversation({ page, grace, hal, screen, dialog }) {
  await screen("conversation", async () => {
    await actions.openConversation(page, grace.name);
    await actions.isVisible(page, "A pot of Darjeeling");
  });
  await screen("conversation menu", async () => {
    await by(page, "conversation-menu").click();
    await by(page, "block").waitFor();
  });
  await dialog("block question of the menu", () => by(page, "block").click());
  await screen("search in a conversation", async () => {
    await by(page, "show-search").click();
    await by(page, "search-text").fill("tea");
    await by(page, "search-panel").getByTestId("found").first().waitFor();
  });
  await dialog("sender of a search", async () => {
    await by(page, "filter-person").click();
    await by(page, "sender-option").first().waitFor();
  });
  await by(page, "search-close").click();
  await toList(page);
  await screen("blocked person", async () => {
    await actions.openConversation(page, hal.name);
    await by(page, "blocked-bar").waitFor();
  });
  await toList(page);
}

export async function messages({ page, isPhone, grace, screen, dialog }) {
  await actions.openConversation(page, grace.name);
  await screen("actions on a message", () => openActions(page, isPhone, "A pot of Darjeeling"));
  if (!isPhone) {
    await screen("reaction picker", async () => {
      await actions.message(page, "A pot of Darjeeling").getByTestId("react").click();
      await by(page, "react-option").first().waitFor();
    });
  }
  await dialog("emoji", async () => {
    await actionsOn(page, isPhone, "A pot of Darjeeling").getByTestId("react-more").click();
    await by(page, "emoji-option").first().waitFor();
  });
  await openActions(page, isPhone, "A pot of Darjeeling");
  await dialog("delete question", async () => {
    await actionsOn(page, isPhone, "A pot of Darjeeling").getByTestId("redact").click();
    await by(page, "redact-confirm").waitFor();
  });
  await screen("messages with markup", () => actions.scrollUpTo(page, "🎉"));
  await screen("deleted and folded messages", () => actions.scrollToBeginning(page));
  await by(page, "to-end").click();
  await toList(page);
}

export async function composer({ page, isPhone, grace, screen }) {
  await actions.openConversation(page, grace.name);
  await screen("reply", async () => {
    await openActions(page, isPhone, "Tea first");
    await actionsOn(page, isPhone, "Tea first").getByTestId("reply").click();
    await by(page, "aim").waitFor();
  });
  await by(page, "aim-cancel").click();
  await screen("text that is too long", async () => {
    await by(page, "composer").fill("x".repeat(20_000));
    await page.locator(".composer .form-error").waitFor();
  });
  await by(page, "composer").fill("A draft");
  await toList(page);
  await screen("list with a draft");
}

/** A message that the other person refuses, and a conversation that does not exist. */
export async function refused({ page, rex, screen }) {
  await screen("message that was refused", async () => {
    await actions.openConversation(page, rex.name);
    await actions.send(page, "Anybody there?");
    await by(page, "discard").waitFor();
  });
  await by(page, "discard").click();
  await screen("note", async () => {
    await page.evaluate(() => (location.hash = "#/c/1"));
    await by(page, "note").waitFor();
  });
}

export async function group({ page, isPhone, screen, dialog, grace, invite }) {
  await screen("group", async () => {
    await actions.openConversation(page, "Engine room");
    await actions.isVisible(page, "Line 79");
  });
  await screen("members", async () => {
    await by(page, "show-members").click();
    await by(page, "member-item").nth(10).waitFor();
  });
  await screen("member menu", async () => {
    await by(page, "member-menu").last().click();
    await by(page, "member-remove").waitFor();
  });
  await page.keyboard.press("Escape");
  await dialog("profile", async () => {
    await by(page, "show-profile").last().click();
    await by(page, "profile-block").waitFor();
  });
  await by(page, "member-menu").last().click();
  await dialog("remove question", () => by(page, "member-remove").click());
  await screen("new member", async () => {
    await by(page, "member-add").click();
    await by(page, "people-search").fill(grace.username.slice(0, 3));
  });
  await by(page, "member-add").click();
  await screen("new title", () => by(page, "rename").click());
  await dialog("invites", async () => {
    await by(page, "invite-by-link").click();
    await by(page, "invite-item").waitFor();
  });
  await dialog("question about an invite", async () => {
    await by(page, "invite-by-link").click();
    await by(page, "invite-revoke").click();
    await by(page, "question").waitFor();
  });
  await dialog("invite with its code", async () => {
    await by(page, "invite-by-link").click();
    await by(page, "invite-show").click();
    await by(page, "invite-qr").waitFor();
  });
  await dialog("leave question", () => by(page, "leave").click());
  if (!isPhone) await by(page, "show-members").click();
  await toList(page);
  await dialog("opened invite", async () => {
    await page.evaluate((path) => (location.hash = `#${path}`), invite);
    await by(page, "invite-join").waitFor();
  });
}

export async function timeline({ page, screen }) {
  await screen("unread messages", async () => {
    await actions.openConversation(page, "Book club");
    await by(page, "message-text").filter({ hasText: "All of it?" }).last().waitFor();
  });
  await toList(page);
  await screen("earlier messages", async () => {
    await actions.openConversation(page, "Engine room");
    await actions.scrollUpTo(page, "Line 20");
    await by(page, "to-end").waitFor();
  });
  await toList(page);
}

export async function settings({ page, screen, dialog }) {
  await dialog("settings", async () => {
    await by(page, "me").click();
    await by(page, "settings-blocked").waitFor();
  });
  const first = {
    name: "settings-display-name", password: "settings-old-password", devices: "login-item", privacy: "privacy-last-seen", blocked: "blocked-item",
    language: "language-system", appearance: "theme-system", alerts: "alerts-sounds",
  };
  for (const [name, testid] of Object.entries(first)) {
    await dialog(`settings ${name}`, async () => {
      await by(page, "me").click();
      await by(page, `settings-${name}`).click();
      await by(page, testid).first().waitFor();
    });
  }
  await screen("refused name", async () => {
    await by(page, "me").click();
    await by(page, "settings-name").click();
    await by(page, "settings-display-name").fill("\u200b");
    await by(page, "settings-save-name").click();
    await by(page, "settings-display-name-error").waitFor();
  });
  await dialog("question about a device", async () => {
    await by(page, "dialog-back").click();
    await by(page, "settings-devices").click();
    await by(page, "end-login").first().click();
    await by(page, "question").waitFor();
    await page.keyboard.press("Escape");
    await by(page, "question").waitFor({ state: "detached" });
    await by(page, "end-other-logins").click();
    await by(page, "question").waitFor();
  });
}

export async function overlays({ page, screen, dialog }) {
  await dialog("quick switcher", async () => {
    await page.keyboard.press("Control+k");
    await by(page, "switcher-item").first().waitFor();
  });
  await dialog("shortcuts", async () => {
    await page.keyboard.press("?");
    await by(page, "shortcut-sheet").waitFor();
  });
  await screen("developer tools", async () => {
    await page.keyboard.press("Control+.");
    await by(page, "developer-drawer").waitFor();
  });
  await page.keyboard.press("Control+.");
  await by(page, "developer-drawer").waitFor({ state: "detached" });
}

/** What the page shows while it waits for the gateway. */
export async function loading({ page, screen, grace }) {
  await actions.waitOnline(page);
  await actions.whileHeld(page, /\/v1\/conversations\?/, async () => {
    await page.reload();
    await screen("loading list", () => by(page, "list-loading").waitFor());
    equal((await endlessMotions(page)) > 0, true, "the grey shapes move");
    await page.emulateMedia({ reducedMotion: "reduce" });
    equal(await endlessMotions(page), 0, "what moves for somebody who wants no motion");
    await page.emulateMedia({ reducedMotion: "no-preference" });
  });
  await by(page, "conversation-item").first().waitFor();
  const sockets = await actions.blockSockets(page);
  await actions.whileHeld(page, /\/messages\?|\/v1\/poll/, async () => {
    await page.reload();
    await screen("loading conversation", async () => {
      await actions.openConversation(page, grace.name);
      await by(page, "timeline-loading").waitFor();
    });
  });
  sockets.open();
  await toList(page);
  await actions.whileHeld(page, /\/members\?/, async () => {
    await page.reload();
    await screen("loading members", async () => {
      await actions.openConversation(page, "Engine room");
      await by(page, "show-members").click();
      await by(page, "members-loading").waitFor();
    });
  });
  await toList(page);
  await actions.whileHeld(page, /\/v1\/sessions$|\/v1\/me$|\/v1\/me\/blocks$/, async () => {
    await by(page, "me").click();
    await by(page, "settings-devices").click();
    await screen("loading devices", () => by(page, "devices-loading").waitFor());
  });
  await by(page, "login-item").first().waitFor();
  await page.keyboard.press("Escape");
}

export async function connection({ page, context, grace, screen }) {
  await page.context().setOffline(true);
  await screen("without a connection", async () => {
    await actions.openConversation(page, grace.name);
    await by(page, "retry-now").waitFor();
  });
  await page.context().setOffline(false);
}

const endlessMotions = (page) =>
  page.evaluate(() => document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime === Infinity).length);

/** Shows the actions on a message: beside it, or on a phone in a sheet. */
async function openActions(page, isPhone, text) {
  await actions.isVisible(page, text);
  const bubble = actions.message(page, text).locator(".bubble");
  if (!isPhone) return bubble.hover();
  await bubble.dispatchEvent("pointerdown", { pointerType: "touch", isPrimary: true });
  await by(page, "message-sheet").waitFor();
}

/** Returns where the actions on a message are, once they are open. */
const actionsOn = (page, isPhone, text) => (isPhone ? by(page, "message-sheet") : actions.message(page, text));

export async function toList(page) {
  await page.evaluate(() => (location.hash = "#/"));
  await page.locator(".pane-header").waitFor({ state: "detached" });
}
