// Steps for less common cases: drafts, many unread messages, old messages, roles, long lists.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;
const DRAFT = "Half a sentence";
const UNREAD = 90;

/** A draft survives an edit and a reload. Another user of the same browser does not see it. */
export async function drafts({ step, people, ada, grace }) {
  const draft = () => by(ada.page, "composer").inputValue();
  await step("a draft survives an edit and a reload", async () => {
    await by(ada.page, "composer").fill(DRAFT);
    await actions.clickAction(ada.page, "quick 2", "edit");
    equal(await draft(), "quick 2", "what is edited");
    await by(ada.page, "aim-cancel").click();
    equal(await draft(), DRAFT, "the draft after an edit");
    await ada.page.reload();
    await by(ada.page, "composer").waitFor();
    equal(await draft(), DRAFT, "the draft after a reload");
  });
  await step("a reply and an edit survive another conversation and a reload", async () => {
    const aim = () => by(ada.page, "aim").textContent();
    await actions.clickAction(ada.page, "quick 2", "reply");
    await ada.page.evaluate(() => (location.hash = "#/"));
    await by(ada.page, "composer").waitFor({ state: "detached" });
    await actions.openConversation(ada.page, people.grace.name);
    equal(await aim(), "Reply to yourselfquick 2", "the reply");
    equal(await draft(), DRAFT, "the text of the reply");
    await actions.clickAction(ada.page, "quick 3", "edit");
    await by(ada.page, "composer").fill("quick three");
    await ada.page.reload();
    await by(ada.page, "aim").waitFor();
    equal(await aim(), "Edit messagequick 3", "the edit");
    equal(await draft(), "quick three", "the edited text");
    await by(ada.page, "aim-cancel").click();
    equal(await draft(), DRAFT, "the draft after the edit");
    await ada.page.reload();
    await by(ada.page, "composer").waitFor();
    equal(await by(ada.page, "aim").count(), 0, "targets after the edit was cancelled");
  });
  await step("a draft is not shown to the next user of the browser", async () => {
    await by(ada.page, "composer").fill(DRAFT);
    await actions.logOut(ada.page);
    await actions.logIn(ada.page, people.grace.username);
    await actions.openConversation(ada.page, people.ada.name);
    equal(await draft(), "", "the draft of another user");
    await actions.logOut(ada.page);
    const kept = await ada.page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("draft")));
    equal(kept.join(), "", "kept drafts");
    await actions.logIn(ada.page, people.ada.username);
    await actions.openConversation(ada.page, people.grace.name);
    await actions.openConversation(grace.page, people.ada.name);
  });
}

export async function focus({ step, grace }) {
  await step("Escape closes the reactions and returns the focus to the message", async () => {
    await actions.clickAction(grace.page, "quick 3", "react");
    await grace.page.keyboard.press("Escape");
    await grace.page.locator("[data-testid=react-option]").first().waitFor({ state: "detached" });
    equal(await actions.message(grace.page, "quick 3").evaluate((row) => row === document.activeElement), true, "focus");
  });
}

export async function strangers({ step, grace, group }) {
  await step("a link to a conversation of others shows that it does not exist", async () => {
    await grace.page.evaluate(() => (location.hash = "#/c/1"));
    await by(grace.page, "note").filter({ hasText: "does not exist" }).waitFor();
    const boxes = await Promise.all([by(grace.page, "note").first().boundingBox(), grace.page.viewportSize()]);
    equal(boxes[0].y + boxes[0].height < boxes[1].height / 2, true, "notifications do not cover the composer");
    await actions.openConversation(grace.page, group);
  });
}

/** Grace has another conversation open while Ada writes more than a page. */
export async function catchingUp({ step, harness, people, ada, grace, group }) {
  await step("a conversation with many unread messages opens at the first, and only visible ones become read", async () => {
    await actions.openConversation(grace.page, people.ada.name);
    const id = await by(ada.page, "conversation-item").filter({ hasText: group }).getAttribute("data-conversation");
    await actions.sendMany(ada.page, id, Array.from({ length: UNREAD }, (_, at) => `late ${at}`));
    const item = grace.page.locator(`[data-conversation="${id}"]`);
    await eventually("all unread", async () => (await item.getByTestId("unread").textContent()) === `${UNREAD}`);
    await actions.openConversation(grace.page, group);
    await by(grace.page, "new-line").waitFor();
    await actions.isVisible(grace.page, "late 0");
    await harness.screen("14-unread", grace.page);
    await actions.reachesState(ada.page, `late ${UNREAD - 1}`, ["delivered"]);
    await actions.scrollUpTo(ada.page, "late 0");
    await actions.reachesState(ada.page, "late 0", ["read"]);
    await by(ada.page, "to-end").click();
    const unread = Number(await item.getByTestId("unread").textContent());
    equal(unread > 0 && unread < UNREAD, true, `some are read (unread: ${unread})`);
  });
  await step("all is read at the end, and an answer removes the line", async () => {
    await by(grace.page, "to-end").click();
    await actions.isVisible(grace.page, `late ${UNREAD - 1}`);
    await actions.reachesState(ada.page, `late ${UNREAD - 1}`, ["read"]);
    await actions.send(grace.page, "I have read it all");
    await actions.appearsOnce(ada.page, "I have read it all");
    await by(grace.page, "new-line").waitFor({ state: "detached" });
  });
}

export async function oldQuotes({ step, ada, grace, group }) {
  await step("a quote follows its old message and opens it, and the button returns to the end", async () => {
    await actions.scrollToBeginning(grace.page);
    const seq = await actions.message(grace.page, "line 0").getAttribute("data-seq");
    await actions.clickAction(grace.page, "line 0", "reply");
    await actions.send(grace.page, "About the first line");
    await actions.appearsOnce(grace.page, "About the first line");
    await grace.page.reload();
    await actions.isVisible(grace.page, "About the first line");
    equal(await actions.message(grace.page, "line 0").count(), 0, "the first line, loaded");
    const quote = actions.message(grace.page, "About the first line").getByTestId("quote");
    await quote.filter({ hasText: "line 0" }).waitFor();
    const id = await by(grace.page, "conversation-item").filter({ hasText: group }).getAttribute("data-conversation");
    await actions.edit(ada.page, id, seq, "The very first line");
    await quote.filter({ hasText: "The very first line" }).waitFor();
    await quote.click();
    await actions.isVisible(grace.page, "The very first line");
    await by(grace.page, "to-end").click();
    await actions.isVisible(grace.page, "About the first line");
  });
}

export async function owners({ step, harness, ada, grace }) {
  await step("the only owner must make another owner before leaving", async () => {
    await by(ada.page, "show-members").click();
    await by(ada.page, "leave").click();
    await actions.confirm(ada.page);
    await by(ada.page, "question-error").filter({ hasText: "Make somebody else an owner first" }).waitFor();
    await by(ada.page, "question-cancel").click();
    await by(ada.page, "member-menu").click();
    await by(ada.page, "member-make-owner").click();
    await by(grace.page, "notice").filter({ hasText: "made you an owner" }).waitFor();
    await harness.screen("15-owners", ada.page);
    await by(ada.page, "show-members").click();
  });
}

export async function longList({ step, ada }) {
  await step("the list fills a tall window", async () => {
    await actions.openGroups(ada.page, 60);
    await ada.page.setViewportSize({ width: 1180, height: 5_000 });
    await ada.page.reload();
    await eventually("all of the list", async () => (await by(ada.page, "conversation-item").count()) > 60);
    await ada.page.setViewportSize({ width: 1180, height: 760 });
  });
}
