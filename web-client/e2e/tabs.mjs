// Steps for several tabs of one login, which share one connection.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const PENDING = "Left by a closed tab";
const FROZEN = "Sent while a tab was busy";
const RESTARTED = "Sent to all tabs after the restart";
const BUSY_MS = 6_000;
const SENT = ["sent", "delivered", "read"];

export async function tabs({ step, harness, people, ada }) {
  let sockets;
  const openTab = async (name) => {
    const page = await harness.page(name, ada.context);
    await actions.openConversation(page, people.grace.name);
    return page;
  };
  const others = [];
  const all = () => [ada.page, ...others];

  await step("another tab sends and shows what the tab with the connection has left unsent", async () => {
    const connection = await actions.disconnect(ada.page);
    await ada.page.reload();
    await actions.waitFor(ada.page, "offline");
    others.push(await openTab("ada-second-tab"));
    await actions.waitFor(others[0], "offline");
    await actions.send(others[0], PENDING);
    await actions.openConversation(ada.page, people.grace.name);
    for (const page of all()) await actions.reachesState(page, PENDING, ["queued"]);
    await ada.page.goto("about:blank");
    await actions.reachesState(others[0], PENDING, SENT);
    connection.open();
    await ada.page.goto(harness.options.base);
    await actions.openConversation(ada.page, people.grace.name);
    await actions.appearsOnce(ada.page, PENDING);
  });
  await step("three tabs have one connection", async () => {
    others.push(await openTab("ada-third-tab"));
    sockets = actions.countSockets(all());
    for (const page of all()) {
      await page.reload();
      await actions.waitOnline(page);
    }
    await eventually("one socket", () => sockets.count() === 1);
  });
  await step("another tab takes over from a tab that does not react", async () => {
    const busy = sockets.connected();
    const free = all().find((page) => page !== busy);
    const blocked = busy.evaluate((ms) => {
      for (const end = Date.now() + ms; Date.now() < end; );
    }, BUSY_MS);
    const began = Date.now();
    await actions.send(free, FROZEN);
    await actions.reachesState(free, FROZEN, SENT);
    equal(Date.now() - began < BUSY_MS, true, "sent while the other tab was busy");
    await blocked;
    for (const page of all()) await actions.appearsOnce(page, FROZEN);
    await eventually("one socket", () => sockets.count() === 1);
  });
  if (harness.options.restart) {
    await step("after a restart of the gateway, three tabs have one connection again", async () => {
      await harness.restart();
      await actions.send(others[1], RESTARTED);
      for (const page of all()) await actions.reachesState(page, RESTARTED, SENT, 60_000);
      for (const page of all()) await actions.waitOnline(page, 60_000);
      await eventually("one socket", () => sockets.count() === 1);
    });
  }
  for (const page of others) await page.close();
  harness.pages.delete("ada-second-tab");
  harness.pages.delete("ada-third-tab");
}
