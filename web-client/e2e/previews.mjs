// Steps for the previews in the list: how far the user's last message got.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";
import { RestUser } from "./rest.mjs";

const { by } = actions;
const MANY = 12;
/** A window that shows a few conversations. */
const LOW = { width: 1180, height: 420 };

export async function previews({ step, harness }) {
  const run = Date.now().toString(36);
  const { base } = harness.options;
  const [lin, mae, ned] = await Promise.all(
    ["Lin Ada", "Mae Jemison", "Ned Low"].map((name) => RestUser.register(base, `${name.slice(0, 3).toLowerCase()}-${run}`, name)),
  );
  const direct = await lin.openDirect(mae);
  await lin.send(direct, "Is the rocket fuelled?");
  const browser = await harness.person("lin");
  const { page } = browser;
  const stateIn = (id) => page.locator(`[data-conversation="${id}"]`).getByTestId("preview-state");
  const reaches = (id, state) => eventually(`the state ${state}`, async () => (await stateIn(id).getAttribute("data-state")) === state);

  await step("the list shows how far the last message got, without opening the conversation", async () => {
    await actions.logIn(page, lin.username);
    await reaches(direct, "sent");
    await mae.accept(direct);
    await mae.receive(direct);
    await reaches(direct, "delivered");
    await mae.read(direct);
    await reaches(direct, "read");
    equal(await stateIn(direct).getByRole("img").getAttribute("aria-label"), "Read", "the words for screen readers");
    await page.reload();
    await reaches(direct, "read");
    await harness.screen("60-previews", page);
    await mae.send(direct, "It is");
    await stateIn(direct).waitFor({ state: "detached" });
  });
  await step("a message to a group is read when all have read it", async () => {
    const group = await lin.openGroup("Launch pad", [mae, ned]);
    for (const member of [mae, ned]) await member.accept(group);
    await lin.send(group, "Ten, nine, eight");
    await mae.read(group);
    await reaches(group, "sent");
    await ned.receive(group);
    await reaches(group, "delivered");
    await ned.read(group);
    await reaches(group, "read");
  });
  await step("the list reads the receipts of what is in view, one conversation after the other", async () => {
    const others = await Promise.all(Array.from({ length: MANY }, (_, at) => RestUser.register(base, `crew${at}-${run}`, `Crew ${at}`)));
    for (const other of others) {
      const id = await lin.openDirect(other);
      await other.accept(id);
      await lin.send(id, "Ready?");
    }
    const reads = { count: 0, running: 0, most: 0 };
    await page.route(/\/members\?/, async (route) => {
      reads.count += 1;
      reads.running += 1;
      reads.most = Math.max(reads.most, reads.running);
      const response = await route.fetch();
      reads.running -= 1;
      await route.fulfill({ response });
    });
    await page.setViewportSize(LOW);
    await page.reload();
    const marked = () => page.locator("[data-testid=preview-state][data-state=sent]").count();
    await eventually("marks in the view", async () => (await marked()) >= 4);
    await by(page, "conversation-list").getByTestId("conversation-item").nth(MANY).waitFor();
    equal(reads.count < MANY, true, `conversations that were read, of more than ${MANY}: ${reads.count}`);
    equal(reads.most, 1, "requests at the same time");
    await page.unrouteAll({ behavior: "wait" }); // a request that is running would outlive the page
  });
  await browser.context.close();
  harness.pages.delete("lin");
}
