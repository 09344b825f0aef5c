// Steps for a page that a proxy serves under a path.

import * as actions from "./page.mjs";
import { equal } from "./harness.mjs";
import { startProxy } from "./proxy.mjs";

const { by } = actions;

/** Grace uses the page at `/` of the gateway, Ada opens a second one under the path of a proxy. */
export async function underPath({ step, harness, people, grace }) {
  const proxy = await startProxy(harness.options.base, "/chat");
  const name = "ada-under-path";
  try {
    const { page, context } = await harness.person(name, {}, proxy.url);
    await step("a page under a path logs in, connects a socket and sends", async () => {
      const sockets = [];
      page.on("websocket", (socket) => sockets.push(new URL(socket.url()).pathname));
      await actions.logIn(page, people.ada.username);
      await actions.openConversation(page, people.grace.name);
      await actions.openConversation(grace.page, people.ada.name);
      await actions.send(page, "From under a path");
      await actions.appearsOnce(grace.page, "From under a path");
      equal(sockets.join(), "/chat/v1/ws", "paths of sockets");
    });
    await step("a page under a path polls when sockets do not work", async () => {
      await actions.blockSockets(page);
      await page.reload();
      await actions.waitFor(page, "polling");
      await actions.send(grace.page, "To a page that polls");
      await actions.appearsOnce(page, "To a page that polls");
    });
    await step("a page under a path does not share its login with other pages of its origin", async () => {
      const keys = await page.evaluate(() => Object.keys(localStorage).filter((key) => !key.startsWith("confab/chat.")));
      equal(keys.join(), "", "keys outside the path");
    });
    await step("the page about the REST calls works under a path", async () => {
      const docs = await harness.page("docs-under-path", context, `${proxy.url}docs`);
      await docs.locator("#calls details").first().waitFor();
      equal(proxy.refused.filter((path) => path !== "/favicon.ico").join(), "", "requests outside the path");
      await docs.close();
      harness.pages.delete("docs-under-path");
    });
    await context.close();
    harness.pages.delete(name);
  } finally {
    proxy.close();
  }
}
