// The screens with files: what a message shows of them, the viewer, players, the tray above the composer, the recorder.

import * as actions from "./page.mjs";
import { eventually } from "./harness.mjs";
import { png, wav, webm } from "./media.mjs";

const { by } = actions;
const TEAL = [[15, 118, 110], [220, 240, 236]];
const RED = [[180, 35, 24], [250, 220, 200]];

/** Makes the files of the scenario. A page records the video. */
export async function makeFiles(page) {
  return { menu: png(640, 420, TEAL), tall: png(300, 600, RED), sound: wav(2), video: await webm(page), plan: Buffer.from("The plan is to eat.\n") };
}

/** Fay has sent Ada files of each kind. */
export async function sendFiles(fay, ada, made) {
  const id = await fay.openDirect(ada);
  await ada.accept(id);
  const send = async (text, ...files) => fay.send(id, text, { attachments: await Promise.all(files.map(([name, content]) => fay.upload(id, name, content))) });
  await send("", ["plan.txt", made.plan]);
  await send("A song for you", ["song.wav", made.sound]);
  await send("", ["voice-message-2026-03-14.wav", made.sound]);
  await send("", ["clip.webm", made.video]);
  await send("", ["one.png", made.menu], ["two.png", made.tall]);
  await send("This is the menu", ["menu.png", made.menu]);
  await ada.read(id); // so that it opens at its end
}

export async function files(tour) {
  await shown(tour);
  await chosen(tour);
  await recorded(tour);
}

async function shown({ page, fay, screen, dialog, toList }) {
  const images = page.getByTestId("attached-image");
  await actions.whileHeld(page, "**/thumbnail?*", async (fail) => {
    await screen("images that are being read", async () => {
      await actions.openConversation(page, fay.name);
      await actions.isVisible(page, "This is the menu");
      await eventually("a preview", async () => (await by(page, "attached-preview").count()) > 0);
    });
    fail();
    await screen("images that could not be read", () =>
      eventually("failed images", async () => (await page.locator("[data-testid=attached-image][data-state=failed]").count()) === (await images.count())),
    );
  });
  await toList(page);
  await screen("images and files", async () => {
    await actions.openConversation(page, fay.name);
    await eventually("images", () => images.last().locator("img").evaluate((image) => image.naturalWidth > 0));
  });
  await screen("image viewer", async () => {
    await images.last().click();
    await by(page, "viewer-image").waitFor();
  });
  await dialog("image viewer with a larger image", async () => {
    await by(page, "viewer-zoom-in").click();
    await by(page, "viewer-previous").click();
    await by(page, "viewer-image").waitFor();
    await by(page, "viewer-zoom-in").click();
  });
  await screen("players", async () => {
    for (const name of ["clip.webm", "song.wav"]) {
      await page.locator(".file-card").filter({ hasText: name }).getByTestId("play").click();
    }
    await by(page, "attached-audio").first().waitFor();
    await by(page, "attached-video").waitFor();
    await page.locator(".file-card").getByTestId("play").first().click(); // the voice message
    await eventually("two sounds", async () => (await by(page, "attached-audio").count()) === 2);
  });
}

async function chosen({ page, screen, made }) {
  const choose = (name, buffer) => by(page, "attach-input").setInputFiles([{ name, mimeType: name.endsWith("png") ? "image/png" : "text/plain", buffer }]);
  const inState = (state) => page.locator(`[data-testid=upload][data-state=${state}]`);
  const dataTransfer = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["x"], "x.txt"));
    return transfer;
  });
  await screen("files that are dropped", async () => {
    await page.dispatchEvent("[data-testid=timeline]", "dragenter", { dataTransfer });
    await by(page, "drop-here").waitFor();
  });
  await page.dispatchEvent("[data-testid=timeline]", "dragleave", { dataTransfer });
  await by(page, "drop-here").waitFor({ state: "detached" });
  await choose("menu.png", made.menu);
  await choose("list.txt", made.plan);
  await eventually("two files", async () => (await inState("done").count()) === 2);
  await page.route("**/v1/attachments", (route) => actions.refuse(route, 400, "invalid"));
  await choose("refused.txt", made.plan);
  await inState("failed").waitFor();
  await page.unroute("**/v1/attachments");
  await actions.whileHeld(page, "**/v1/attachments", async () => {
    await screen("tray with files", async () => {
      await choose("slow.png", made.tall);
      await inState("uploading").waitFor();
    });
    while ((await by(page, "upload").count()) > 0) await by(page, "upload-cancel").first().click();
  });
}

async function recorded({ page, screen, toList }) {
  await screen("recorder", async () => {
    await by(page, "record").click();
    await page.locator("[data-testid=recorder][data-state=recording]").waitFor();
    await page.locator(".recorder-time").filter({ hasText: "0:01" }).waitFor();
  });
  await screen("recorded voice message", async () => {
    await by(page, "record-stop").click();
    await by(page, "record-preview").waitFor();
  });
  await by(page, "record-cancel").click();
  await screen("microphone that is refused", async () => {
    await page.evaluate(() => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error("refused"))));
    await by(page, "record").click();
    await page.locator("[data-testid=recorder][data-state=refused]").waitFor();
  });
  await by(page, "record-cancel").click();
  await toList(page);
}
