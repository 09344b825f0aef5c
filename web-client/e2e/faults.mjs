// Steps for what goes wrong or is undone: full storage, blocked storage, removed members, groups that are left.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;
const NOTICES = 60;

export async function faults({ step, harness, people, ada, grace }) {
  await step("a text that cannot be stored says so, and is sent once", async () => {
    await actions.openConversation(ada.page, people.grace.name);
    await actions.openConversation(grace.page, people.ada.name);
    const connection = await actions.disconnect(ada.page);
    await ada.page.reload();
    await actions.waitFor(ada.page, "offline");
    await ada.page.evaluate(() => {
      for (let length = 1 << 23; length >= 1; length >>= 1) {
        try {
          for (let at = 0; ; at += 1) localStorage.setItem(`filler.${length}.${at}`, "x".repeat(length));
        } catch {
          // this length does not fit any more
        }
      }
    });
    await by(ada.page, "composer").fill("Too full to keep");
    for (let times = 0; times < 3; times += 1) await by(ada.page, "composer").press("Enter");
    await actions.appearsOnce(ada.page, "Too full to keep");
    await by(ada.page, "unsaved").waitFor();
    await by(ada.page, "note").filter({ hasText: "Keep this page open" }).waitFor();
    await harness.screen("29-full-storage", ada.page);
    connection.open();
    await actions.waitOnline(ada.page, 30_000);
    await actions.reachesState(ada.page, "Too full to keep", ["sent", "delivered", "read"]);
    await by(ada.page, "unsaved").waitFor({ state: "detached" });
    await actions.appearsOnce(grace.page, "Too full to keep");
    await ada.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("filler.")).forEach((key) => localStorage.removeItem(key)));
    await ada.page.reload();
    await actions.appearsOnce(ada.page, "Too full to keep");
  });
  await step("a page whose storage is blocked logs in and sends", async () => {
    const private_ = await harness.person("ada-blocked", {}, "about:blank");
    await private_.page.addInitScript(() =>
      Object.defineProperty(window, "localStorage", {
        get: () => {
          throw new DOMException("blocked", "SecurityError");
        },
      }),
    );
    await private_.page.goto(harness.options.base);
    await actions.logIn(private_.page, people.ada.username);
    await actions.openConversation(private_.page, people.grace.name);
    await actions.send(private_.page, "Without storage");
    await actions.appearsOnce(grace.page, "Without storage");
    await private_.context.setOffline(true);
    await actions.send(private_.page, "Not kept while offline");
    await actions.message(private_.page, "Not kept while offline").getByTestId("unsaved").waitFor();
    await by(private_.page, "note").filter({ hasText: "Keep this page open" }).waitFor();
    await private_.context.setOffline(false);
    await actions.reachesState(private_.page, "Not kept while offline", ["sent", "delivered", "read"], 30_000);
    await actions.appearsOnce(grace.page, "Not kept while offline");
    await private_.context.close();
    harness.pages.delete("ada-blocked");
  });
  await step("the first message of a group is in view after many notices", async () => {
    await actions.openGroup(ada.page, "Many notices", [await actions.userId(grace.page)]);
    await actions.openConversation(ada.page, "Many notices");
    const id = await actions.openedId(ada.page);
    for (let at = 0; at < NOTICES; at += 1) await actions.rename(ada.page, id, `Title ${at}`);
    await actions.rename(ada.page, id, "Many notices");
    await actions.send(ada.page, "Can you see this?");
    await by(grace.page, "conversation-item").filter({ hasText: "Can you see this?" }).waitFor();
    await grace.page.reload();
    await actions.openConversation(grace.page, "Many notices");
    await actions.isVisible(grace.page, "Can you see this?");
    await actions.reachesState(ada.page, "Can you see this?", ["read"]);
  });
  await step("the removal of a member is undone", async () => {
    await by(ada.page, "show-members").click();
    await by(ada.page, "member-menu").click();
    await by(ada.page, "member-remove").click();
    await actions.confirm(ada.page);
    await eventually("one member", async () => (await by(ada.page, "member-item").count()) === 1);
    await harness.screen("30-undo", ada.page);
    await by(ada.page, "note-action").click();
    await eventually("two members", async () => (await by(ada.page, "member-item").count()) === 2);
    await actions.openConversation(grace.page, "Many notices");
    await by(ada.page, "show-members").click();
  });
  await step("leaving a group is undone, and happens at once when the page is closed", async () => {
    const leave = async () => {
      await by(grace.page, "show-members").click();
      await by(grace.page, "leave").click();
      await actions.confirm(grace.page);
      await by(grace.page, "conversation-item").filter({ hasText: "Many notices" }).waitFor({ state: "detached" });
    };
    await leave();
    await by(grace.page, "note-action").click();
    await by(grace.page, "header-title").filter({ hasText: "Many notices" }).waitFor();
    await leave();
    await grace.page.reload();
    await by(ada.page, "notice").filter({ hasText: `${people.grace.name} left` }).waitFor();
    equal(await by(ada.page, "notice").filter({ hasText: `${people.grace.name} left` }).count(), 1, "notices about leaving");
  });
}
