// Shows every screen and dialog of the page, light and dark, on a desktop and on a phone, and has axe check each of them.
//
//     node e2e/accessible.mjs http://127.0.0.1:8080 --screenshots screenshots

import * as actions from "./page.mjs";
import { files, makeFiles } from "./accessible_files.mjs";
import { crowd, people } from "./accessible_people.mjs";
import { eventually, FAKE_MICROPHONE, Harness, readArguments } from "./harness.mjs";
import * as screens from "./accessible_screens.mjs";

const KINDS = {
  desktop: { viewport: { width: 1180, height: 760 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

const harness = new Harness({ ...readArguments(), flags: FAKE_MICROPHONE });
const parts = { ...screens, files };

/** One browser that shows screens one after the other. */
class Tour {
  constructor(name, page, everybody, made) {
    Object.assign(this, { name, page, made, toList: screens.toList, ...everybody });
    this.isPhone = name.startsWith("phone");
    this.screen = this.screen.bind(this);
    this.dialog = this.dialog.bind(this);
  }

  /** Opens a screen and checks it, light and dark. */
  screen(title, open = async () => undefined) {
    return harness.step(`${this.name}: ${title}`, async () => {
      await open();
      await harness.schemes(`accessible-${this.name}-${title.replaceAll(" ", "-")}`, this.page);
    });
  }

  /** Opens a dialog, checks it and closes it, with others that are open. The first Escape may only empty a field. */
  async dialog(title, open) {
    await this.screen(title, open);
    await eventually("no dialog", async () => {
      if ((await this.page.locator("dialog[open]").count()) > 0) await this.page.keyboard.press("Escape");
      return (await this.page.locator("dialog[open]").count()) === 0;
    });
  }
}

async function show(name, settings, names, many, made) {
  const everybody = await people(harness.options.base, many, made);
  const { page, context } = await harness.person(name, settings);
  const tour = new Tour(name, page, everybody, made);
  if (names.includes("entrance")) await screens.entrance(tour);
  await actions.logIn(page, everybody.ada.username);
  for (const part of names.filter((part) => part !== "entrance")) await parts[part](tour);
  await context.close();
  harness.pages.delete(name);
}

const ALL = ["entrance", "emptyList", "list", "requests", "conversation", "messages", "composer", "files", "refused", "group", "timeline", "settings", "overlays", "loading", "connection"];
const MIRRORED = ["list", "conversation", "files", "group", "settings"];

await harness.run(async () => {
  const many = await crowd(harness.options.base);
  const camera = await harness.person("camera");
  const made = await makeFiles(camera.page);
  await camera.context.close();
  harness.pages.delete("camera");
  for (const [kind, settings] of Object.entries(KINDS)) {
    await Promise.all([show(kind, settings, ALL, many, made), show(`${kind}-arabic`, { ...settings, locale: "ar-EG" }, MIRRORED, many, made)]);
  }
});
