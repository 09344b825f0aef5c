// A visitor of a demo: enters as somebody, reads, and is answered. The server was started with --demo.

import * as actions from "./page.mjs";
import { equal, eventually, Harness, readArguments } from "./harness.mjs";

const { by } = actions;
const harness = new Harness(readArguments());
let visitor;

await harness.run(async () => {
  await harness.step("the entrance offers the people of the demo, and one click logs in", async () => {
    visitor = await harness.person("visitor");
    await by(visitor.page, "demo-person").first().waitFor();
    equal(await by(visitor.page, "demo-person").count(), 5, "people");
    await harness.screen("demo-entrance", visitor.page);
    await by(visitor.page, "demo-person").first().click();
    await by(visitor.page, "conversation-item").first().waitFor();
  });
  await harness.step("a group has a history of several days, and messages that nobody has read", async () => {
    await by(visitor.page, "unread").first().waitFor();
    await actions.openConversation(visitor.page, "Release 2.0");
    await actions.appearsOnce(visitor.page, "Both of my items are done. What is left is documentation, as always.");
    await harness.screen("demo-group", visitor.page);
  });
  await harness.step("the bot reads, and answers", async () => {
    await actions.openConversation(visitor.page, "Pip (bot)");
    await actions.send(visitor.page, "Hello Pip");
    await actions.reachesState(visitor.page, "Hello Pip", ["read"]);
    await eventually("an answer", async () => (await visitor.page.getByText("Open a second tab").count()) > 0);
    await harness.screen("demo-bot", visitor.page);
  });
});
