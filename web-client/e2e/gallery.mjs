// Makes the screenshots in `docs/screenshots/`: a conversation on a desktop and on a phone, light and dark.
//
//     node e2e/gallery.mjs http://127.0.0.1:8080 --screenshots ../docs/screenshots

import * as actions from "./page.mjs";
import { Harness, readArguments } from "./harness.mjs";

const { by } = actions;
const harness = new Harness(readArguments());
const run = Date.now().toString(36);
const ADA = { username: `ada-${run}`, name: "Ada Byron" };
const GRACE = { username: `grace-${run}`, name: "Grace Hopper" };
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const DESKTOP = { viewport: { width: 1180, height: 760 } };

async function talk(ada, grace) {
  await by(ada, "new-direct").click();
  await actions.search(ada, GRACE.username);
  await by(ada, "header-title").filter({ hasText: GRACE.name }).waitFor();
  await actions.acceptRequest(grace, ADA.name);
  await actions.send(ada, "Did the analytical engine finish?");
  await actions.openConversation(grace, ADA.name);
  await actions.appearsOnce(grace, "Did the analytical engine finish?");
  await actions.send(grace, "It did, and *without a bug*. This is what it prints:\n```rust\nfor n in 1..=3 {\n    println!(\"{n}² = {}\", n * n);\n}\n```");
  await by(ada, "message").last().locator("pre").waitFor();
  await actions.send(ada, "**Lovely.** Next on the list:\n- the difference engine\n- tea");
  await by(grace, "message").last().locator("li").first().waitFor();
  await actions.clickAction(grace, "Did the analytical engine finish?", "react");
  await grace.locator('[data-testid=react-option][data-emoji="❤️"]').click();
  await actions.send(grace, "Tea first");
  await actions.appearsOnce(ada, "Tea first");
  await actions.openGroup(ada, "Engine room", [await actions.userId(grace)]);
  await by(ada, "conversation-item").filter({ hasText: "Engine room" }).waitFor();
}

try {
  await harness.open();
  await harness.step("two people talk", async () => {
    const ada = await harness.person("ada", DESKTOP);
    const grace = await harness.person("grace", DESKTOP);
    await actions.register(ada.page, ADA.username, ADA.name);
    await actions.register(grace.page, GRACE.username, GRACE.name);
    await talk(ada.page, grace.page);
  });
  for (const colorScheme of ["light", "dark"]) {
    for (const [kind, settings] of [["desktop", DESKTOP], ["phone", PHONE]]) {
      await harness.step(`${kind}, ${colorScheme}`, async () => {
        const { page, context } = await harness.person(`${kind}-${colorScheme}`, { ...settings, colorScheme });
        await actions.logIn(page, ADA.username);
        await actions.openConversation(page, GRACE.name);
        await actions.isVisible(page, "Tea first");
        await page.locator("body").click({ position: { x: 1, y: 1 } });
        await harness.screen(`conversation-${kind}-${colorScheme}`, page);
        await context.close();
        harness.pages.delete(`${kind}-${colorScheme}`);
      });
    }
  }
} catch (error) {
  if (harness.failed === 0) throw error;
} finally {
  process.exitCode = (await harness.close()) ? 0 : 1;
}
