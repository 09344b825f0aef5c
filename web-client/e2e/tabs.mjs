// Steps for several tabs of one login.

import * as actions from "./page.mjs";

const TEXT = "Left by a closed tab";

export async function tabs({ step, harness, people, ada }) {
  await step("another tab sends and shows what a closed tab has left unsent", async () => {
    await actions.openConversation(ada.page, people.grace.name);
    const tab = await harness.page("ada-second-tab", ada.context);
    await actions.disconnect(tab);
    await tab.reload();
    await actions.openConversation(tab, people.grace.name);
    await actions.send(tab, TEXT);
    await actions.reachesState(tab, TEXT, ["queued"]);
    await tab.close();
    harness.pages.delete("ada-second-tab");
    await actions.reachesState(ada.page, TEXT, ["sent", "delivered", "read"]);
  });
}
