// What the page does beyond the usual way: drafts, much that is unread, old messages, roles, long lists.

import * as on from "./page.mjs";
import { equal, eventually } from "./stage.mjs";

const { by } = on;
const DRAFT = "Half a sentence";
const UNREAD = 90;

/** A draft outlives an edit and a reload, and is nobody else's: both have the same conversation. */
export async function drafts({ step, people, ada, grace }) {
  const draft = () => by(ada.page, "composer").inputValue();
  await step("a draft survives an edit and a reload", async () => {
    await by(ada.page, "composer").fill(DRAFT);
    await on.act(ada.page, "quick 2", "edit");
    equal(await draft(), "quick 2", "what is edited");
    await by(ada.page, "aim-cancel").click();
    equal(await draft(), DRAFT, "the draft after an edit");
    await ada.page.reload();
    await by(ada.page, "composer").waitFor();
    equal(await draft(), DRAFT, "the draft after a reload");
  });
  await step("a draft is not shown to the next person on the page", async () => {
    await by(ada.page, "composer").fill(DRAFT);
    await by(ada.page, "log-out").click();
    await on.logIn(ada.page, people.grace.username);
    await on.openConversation(ada.page, people.ada.name);
    equal(await draft(), "", "the draft of another one");
    await by(ada.page, "log-out").click();
    const kept = await ada.page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("draft")));
    equal(kept.join(), "", "kept drafts");
    await on.logIn(ada.page, people.ada.username);
    await on.openConversation(ada.page, people.grace.name);
    await on.openConversation(grace.page, people.ada.name);
  });
}

export async function focus({ step, grace }) {
  await step("Escape closes the reactions and leaves the focus with the message", async () => {
    await on.act(grace.page, "quick 3", "react");
    await grace.page.keyboard.press("Escape");
    await grace.page.locator("[data-testid=react-option]").first().waitFor({ state: "detached" });
    equal(await on.message(grace.page, "quick 3").evaluate((row) => row === document.activeElement), true, "focus");
  });
}

export async function strangers({ step, grace, group }) {
  await step("an address of somebody else's conversation is said to be none", async () => {
    await grace.page.evaluate(() => (location.hash = "#/c/1"));
    await by(grace.page, "note").filter({ hasText: "not there" }).waitFor();
    const boxes = await Promise.all([by(grace.page, "note").first().boundingBox(), grace.page.viewportSize()]);
    equal(boxes[0].y + boxes[0].height < boxes[1].height / 2, true, "notes are above what one writes");
    await on.openConversation(grace.page, group);
  });
}

/** Grace looks elsewhere while Ada writes more than a page. */
export async function catchingUp({ step, stage, people, ada, grace, group }) {
  await step("a conversation with much that is unread opens where it begins, and nothing unseen is read", async () => {
    await on.openConversation(grace.page, people.ada.name);
    const id = await by(ada.page, "conversation-item").filter({ hasText: group }).getAttribute("data-conversation");
    await on.sendMany(ada.page, id, Array.from({ length: UNREAD }, (_, at) => `late ${at}`));
    const item = grace.page.locator(`[data-conversation="${id}"]`);
    await eventually("all unread", async () => (await item.getByTestId("unread").textContent()) === `${UNREAD}`);
    await on.openConversation(grace.page, group);
    await by(grace.page, "new-line").waitFor();
    await on.inSight(grace.page, "late 0");
    await stage.picture("14-unread", grace.page);
    await on.reaches(ada.page, "late 0", ["read"]);
    await on.reaches(ada.page, `late ${UNREAD - 1}`, ["delivered"]);
    const unread = Number(await item.getByTestId("unread").textContent());
    equal(unread > 0 && unread < UNREAD, true, `some are read (unread: ${unread})`);
  });
  await step("at the end all is read, and an answer takes the line away", async () => {
    await by(grace.page, "to-end").click();
    await on.inSight(grace.page, `late ${UNREAD - 1}`);
    await on.reaches(ada.page, `late ${UNREAD - 1}`, ["read"]);
    await on.send(grace.page, "I have read it all");
    await on.once(ada.page, "I have read it all");
    await by(grace.page, "new-line").waitFor({ state: "detached" });
  });
}

export async function oldQuotes({ step, grace }) {
  await step("a quote leads to its message, however old, and from there to the end again", async () => {
    await on.scrollToBeginning(grace.page);
    await on.act(grace.page, "line 0", "reply");
    await on.send(grace.page, "About the first line");
    await on.once(grace.page, "About the first line");
    await grace.page.reload();
    await on.inSight(grace.page, "About the first line");
    equal(await on.message(grace.page, "line 0").count(), 0, "the first line, loaded");
    await on.message(grace.page, "About the first line").getByTestId("quote").click();
    await on.inSight(grace.page, "line 0");
    await by(grace.page, "to-end").click();
    await on.inSight(grace.page, "About the first line");
  });
}

export async function owners({ step, stage, ada, grace }) {
  await step("the only owner is told what to do before leaving, and hands over", async () => {
    await by(ada.page, "show-members").click();
    await by(ada.page, "leave").click();
    await by(ada.page, "note").filter({ hasText: "Make somebody else an owner first" }).waitFor();
    await by(ada.page, "member-role").selectOption("owner");
    await by(grace.page, "notice").filter({ hasText: "made you an owner" }).waitFor();
    await stage.picture("15-owners", ada.page);
    await by(ada.page, "show-members").click();
  });
}

export async function longList({ step, ada }) {
  await step("the list fills a tall window", async () => {
    await on.openGroups(ada.page, 60);
    await ada.page.setViewportSize({ width: 1180, height: 5_000 });
    await ada.page.reload();
    await eventually("all of the list", async () => (await by(ada.page, "conversation-item").count()) > 60);
    await ada.page.setViewportSize({ width: 1180, height: 760 });
  });
}
