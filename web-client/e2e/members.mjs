// Steps for a group with many members.

import * as actions from "./page.mjs";
import { equal, eventually } from "./harness.mjs";

const { by } = actions;
const NAMES = ["Ayşe Öztürk", "Grace Hopper-Murray of Arlington", "שלום כהן", "Bo"];
const MEMBERS = 9;

export async function manyMembers({ step, harness, people, ada }) {
  const { page } = ada;
  const run = people.ada.username.split("-")[1];
  await step("members of a large group are found by name, whose rest is behind a menu", async () => {
    const members = [];
    for (let at = 0; at < MEMBERS; at += 1) {
      members.push(await actions.registerOverRest(page, `member${at}-${run}`, `${NAMES[at % NAMES.length]} ${at}`));
    }
    await actions.openGroup(page, "Large", members);
    await actions.openConversation(page, "Large");
    await by(page, "show-members").click();
    await eventually("all members", async () => (await by(page, "member-item").count()) === MEMBERS + 1);
    await by(page, "member-item").filter({ hasText: "Bo" }).first().waitFor();
    await by(page, "notice").filter({ hasText: /^You added .* and 7 others$/ }).waitFor();
    equal(await by(page, "notice").count(), 2, "notices of a new group");
    await by(page, "member-menu").last().click();
    await by(page, "member-remove").waitFor();
    await harness.screen("18-members", page);
    await page.keyboard.press("Escape");
    await by(page, "member-search").fill("ozt");
    await eventually("three found", async () => (await by(page, "member-item").count()) === 3);
    await by(page, "member-search").fill("nobody");
    await eventually("none found", async () => (await by(page, "member-item").count()) === 0);
    const name = by(page, "member-item").filter({ hasText: "Grace Hopper" }).first().locator(".person-name");
    await by(page, "member-search").fill("grace");
    const boxes = await Promise.all([name.boundingBox(), by(page, "members").boundingBox()]);
    equal(boxes[0].width > boxes[1].width / 2, true, "the name has more than half of the panel");
    await by(page, "show-members").click();
  });
}
