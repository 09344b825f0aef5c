// Steps for the developer drawer: the page heals from every disturbance that it offers.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;

export async function developer({ step, harness, people, ada, grace }) {
  const { page } = ada;
  const transport = by(page, "developer-transport");
  const frames = (direction) => by(page, `frame-${direction}`);
  await step("the developer drawer shows frames, seqs and the time of a round trip", async () => {
    await actions.openConversation(page, people.grace.name);
    await actions.openConversation(grace.page, people.ada.name);
    await page.keyboard.press("Control+.");
    await transport.filter({ hasText: "WebSocket" }).waitFor();
    await actions.send(page, "Look at my frames");
    await eventually("a round trip", async () => /\d ms/.test(await by(page, "developer-round-trip").textContent()));
    await frames("sent").filter({ hasText: "Look at my frames" }).first().waitFor();
    await by(page, "developer-seq").first().waitFor();
    await harness.screen("40-developer", page);
  });
  await step("a dropped socket and an expired token heal by themselves", async () => {
    const hellos = frames("sent").filter({ hasText: '"cmd":"hello"' });
    for (const button of ["developer-drop", "developer-expire"]) {
      const before = await hellos.count();
      await by(page, button).click();
      await eventually("a new connection", async () => (await hellos.count()) > before);
      await transport.filter({ hasText: "WebSocket" }).waitFor();
      await actions.send(grace.page, `After ${button}`);
      await actions.appearsOnce(page, `After ${button}`);
    }
  });
  await step("a lost message is read again with the next one", async () => {
    await by(page, "developer-lose").click();
    await actions.send(grace.page, "This one is lost");
    await frames("lost").first().waitFor();
    await actions.send(grace.page, "This one arrives");
    await actions.appearsOnce(page, "This one arrives");
    await actions.appearsOnce(page, "This one is lost");
  });
  await step("forced long polling carries messages until it is turned off", async () => {
    await by(page, "developer-poll").click();
    await eventually("long polling", async () => (await transport.textContent()) === "Long polling", 60_000);
    await actions.send(grace.page, "Over a poll");
    await actions.appearsOnce(page, "Over a poll");
    await by(page, "developer-poll").click();
    await eventually("a socket", async () => (await transport.textContent()) === "WebSocket", 60_000);
    await page.keyboard.press("Control+.");
    equal(await by(page, "developer-drawer").count(), 0, "drawer after it was closed");
  });
}
