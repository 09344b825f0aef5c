// Attachments: files are picked, dropped, pasted and recorded, uploaded over lost connections, shown, and saved.
//
//     node e2e/attachments.mjs http://127.0.0.1:8080 --screenshots screenshots

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as actions from "./page.mjs";
import { equal, eventually, FAKE_MICROPHONE, Harness, readArguments } from "./harness.mjs";
import { BASES } from "./injection_strings.mjs";
import { uploadInNode } from "./upload_in_node.mjs";

const { by } = actions;
const run = Date.now().toString(36);
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const ADA = { username: `ada-${run}`, name: "Ada Byron" };
const GRACE = { username: `grace-${run}`, name: "Grace Hopper" };
const MIB = 1 << 20;
const PICTURE_PX = 640;
const PICTURE_RATIO = 640 / 420;

const folder = mkdtempSync(join(tmpdir(), "confab-files-"));

const options = readArguments();
const harness = new Harness({ ...options, flags: FAKE_MICROPHONE });
const step = harness.step.bind(harness);
let ada;
let grace;
let pictures;

async function pick() {
  await step("an image that is picked is shown in the tray, and then in the message", async () => {
    [ada, grace] = await actions.meet(harness, ADA, GRACE);
    await actions.openConversation(grace.page, ADA.name);
    pictures = await draw(ada.page, ["#0f766e", "#b42318", "#8a5a00"]);
    await choose(ada.page, [picture("menu.png", 0)]);
    await isUploaded(ada.page, 1);
    await harness.screen("90-tray", ada.page);
    const thumbnails = [];
    grace.page.on("request", (request) => request.url().includes("/thumbnail?") && thumbnails.push(request.url()));
    await actions.send(ada.page, "This is the menu");
    for (const { page } of [ada, grace]) await imageIsShown(page, "menu.png");
    equal(thumbnails.length, 1, "thumbnails that were read");
    const { width, height } = await attached(grace.page, "menu.png").boundingBox();
    equal(Math.abs(width / height - PICTURE_RATIO) < 0.02, true, `the shape of the image: ${width} × ${height}`);
    equal(await by(grace.page, "last-message").first().textContent(), "This is the menu", "the preview of a text with a file");
    await harness.screen("91-image", ada.page);
  });
  await step("several images without a text are one message, and the list names them", async () => {
    await choose(ada.page, [picture("one.png", 1), picture("two.png", 2)]);
    await isUploaded(ada.page, 2);
    await by(ada.page, "send").click();
    await imageIsShown(grace.page, "two.png");
    await eventually("the preview", async () => (await by(grace.page, "last-message").first().textContent()) === "📎 one.png");
    await harness.screen("92-images-dark", grace.page);
  });
}

async function view() {
  await step("the viewer shows the images, zooms, and gives the focus back", async () => {
    const { page } = grace;
    await attached(page, "menu.png").click();
    await by(page, "viewer-image").waitFor();
    equal(await by(page, "viewer-place").textContent(), "1 of 3", "the place");
    await harness.screen("93-viewer", page);
    equal(await by(page, "viewer-image").getAttribute("alt"), `Image menu.png from ${ADA.name}`, "the words for screen readers");
    await page.keyboard.press("ArrowRight");
    await by(page, "viewer-name").filter({ hasText: "one.png" }).waitFor();
    await by(page, "viewer-next").click();
    await by(page, "viewer-name").filter({ hasText: "two.png" }).waitFor();
    const width = async () => (await by(page, "viewer-image").boundingBox()).width;
    await by(page, "viewer-image").waitFor();
    const before = await width();
    await page.keyboard.press("+");
    await page.keyboard.press("+");
    await eventually("a larger image", async () => (await width()) > before * 1.5);
    await harness.screen("94-viewer-zoom", page);
    const [download] = await Promise.all([page.waitForEvent("download"), by(page, "viewer-download").click()]);
    equal(download.suggestedFilename(), "two.png", "the name of the saved file");
    equal(await widthOf(page, readFileSync(await download.path())), PICTURE_PX, "the width of the saved image");
    await page.keyboard.press("Escape");
    await by(page, "image-viewer").waitFor({ state: "detached" });
    equal(await page.evaluate(() => document.activeElement?.querySelector("img")?.alt), `Image menu.png from ${ADA.name}`, "the focus");
  });
}

async function preview() {
  await step("a blurred preview is shown while an image is read, and the image says who has sent it", async () => {
    const { page } = grace;
    const image = attached(page, "menu.png");
    const canvas = image.getByTestId("attached-preview");
    const middle = () => canvas.evaluate((it) => [...it.getContext("2d").getImageData(it.width >> 1, it.height >> 1, 1, 1).data]);
    const corner = () => canvas.evaluate((it) => [...it.getContext("2d").getImageData(0, 0, 1, 1).data]);
    await actions.whileHeld(page, "**/thumbnail?*", async () => {
      await page.reload();
      await eventually("the preview", async () => (await canvas.count()) === 1 && (await corner())[3] === 255);
      const [light, dark] = [await middle(), await corner()];
      equal(light[0] > dark[0] + 40, true, `a white disk on a dark ground: ${light} in ${dark}`);
      await harness.screen("94-preview", page);
    });
    await imageIsShown(page, "menu.png");
    await canvas.waitFor({ state: "detached" });
    equal(await image.locator("img").getAttribute("alt"), `Image menu.png from ${ADA.name}`, "the words for screen readers");
    equal(await attached(ada.page, "menu.png").locator("img").getAttribute("alt"), "Your image menu.png", "the words for the sender");
  });
}

async function files() {
  await step("files are dropped on the conversation, and saved by others", async () => {
    const { page } = ada;
    const content = "The plan is to eat.\n".repeat(10);
    const transfer = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], "plan.txt", { type: "text/plain" }));
      return transfer;
    }, content);
    await page.dispatchEvent("[data-testid=timeline]", "dragenter", { dataTransfer: transfer });
    await by(page, "drop-here").waitFor();
    await harness.screen("95-drop", page);
    await page.dispatchEvent("[data-testid=timeline]", "drop", { dataTransfer: transfer });
    await by(page, "drop-here").waitFor({ state: "detached" });
    await isUploaded(page, 1);
    await by(page, "send").click();
    const card = by(grace.page, "file-card").filter({ hasText: "plan.txt" });
    const [download] = await Promise.all([grace.page.waitForEvent("download"), card.getByTestId("file-download").click()]);
    equal(readFileSync(await download.path(), "utf8"), content, "the content of the saved file");
  });
  await step("an image that is pasted is attached, and can be removed", async () => {
    const { page } = ada;
    await by(page, "composer").evaluate((field, base64) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([bytes], "image.png", { type: "image/png" }));
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, pictures[0].toString("base64"));
    await isUploaded(page, 1);
    await by(page, "upload-cancel").click();
    await by(page, "upload-tray").waitFor({ state: "detached" });
  });
  await step("names of files are text", async () => {
    const { page } = ada;
    const names = BASES.slice(0, 10).map((text, at) => `${text.replaceAll("/", "∕")} ${at}.bin`);
    await choose(page, names.map((name) => ({ name, mimeType: "text/html", buffer: Buffer.from("<script>alert(1)</script>") })));
    await isUploaded(page, names.length);
    await harness.screen("96-tray-many", page);
    await by(page, "send").click();
    await eventually("ten files", async () => (await by(grace.page, "message").last().getByTestId("file-card").count()) === names.length);
    equal(await by(grace.page, "message").last().locator("script, img, iframe, b").count(), 0, "elements made of names");
    for (const { page: side } of [ada, grace]) equal(await side.evaluate(() => window.__pwned), undefined, "code that ran");
  });
}

async function fail() {
  const { page } = ada;
  await step("an upload goes on after its connection was lost", async () => {
    let requests = 0;
    await page.route("**/v1/attachments/*", (route) => {
      if (route.request().method() !== "PATCH") return route.continue();
      requests += 1;
      return requests === 2 || requests === 3 ? route.abort() : route.continue();
    });
    const buffer = Buffer.alloc(4.5 * MIB, "abcdefg");
    await choose(page, [{ name: "large.bin", mimeType: "application/octet-stream", buffer }]);
    await by(page, "send").click(); // it is sent as soon as it is uploaded
    const card = by(grace.page, "file-card").filter({ hasText: "large.bin" });
    await card.waitFor({ timeout: 30_000 });
    await page.unroute("**/v1/attachments/*");
    equal(requests, 7, "parts that were sent");
    const [download] = await Promise.all([grace.page.waitForEvent("download"), card.getByTestId("file-download").click()]);
    equal(readFileSync(await download.path()).equals(buffer), true, "the content of the saved file");
  });
  await step("a file that is picked again after a reload goes on where it was", async () => {
    const file = join(folder, "reloaded.bin");
    writeFileSync(file, Buffer.alloc(4 * MIB, "reloaded "));
    let requests = [];
    let isBroken = true;
    await page.route("**/v1/attachments{,/*}", (route) => {
      const method = route.request().method();
      requests.push(method);
      return isBroken && method === "PATCH" && requests.filter((it) => it === "PATCH").length > 2 ? route.abort() : route.continue();
    });
    await choose(page, file);
    await eventually("a broken upload", () => requests.filter((it) => it === "PATCH").length > 2);
    await page.reload();
    await by(page, "composer").waitFor();
    requests = [];
    isBroken = false;
    await choose(page, file);
    await isUploaded(page, 1);
    equal(requests.join(), "HEAD,PATCH,PATCH", "requests after the reload");
    await page.unroute("**/v1/attachments{,/*}");
    await by(page, "send").click();
    const card = by(grace.page, "file-card").filter({ hasText: "reloaded.bin" });
    const [download] = await Promise.all([grace.page.waitForEvent("download"), card.getByTestId("file-download").click()]);
    equal(readFileSync(await download.path()).equals(readFileSync(file)), true, "the content of the saved file");
  });
  await step("a file that is too large says what the limit is", async () => {
    const file = join(folder, "huge.iso");
    writeFileSync(file, "");
    truncateSync(file, 26 * MIB);
    await choose(page, file); // a path, because its content would be copied to the browser
    await by(page, "upload-error").filter({ hasText: "This file is too large. A file has at most 25 MB." }).waitFor();
    await harness.screen("97-too-large", page);
    await by(page, "upload-cancel").click();
  });
  await step("logging out asks about an upload that still runs", async () => {
    await actions.whileHeld(page, "**/v1/attachments", async () => {
      await choose(page, [picture("slow.png", 2)]);
      await page.locator("[data-testid=upload][data-state=uploading]").waitFor();
      await page.evaluate(() => (location.hash = "#/"));
      await actions.askToLogOut(page);
      await by(page, "question").getByText("1 file that is being uploaded will not be sent.").waitFor();
      await harness.screen("97-log-out", page);
      await by(page, "question-cancel").click();
      await page.keyboard.press("Escape");
      await actions.openConversation(page, GRACE.name);
    });
    await isUploaded(page, 1);
    await by(page, "upload-cancel").click();
  });
  await step("a failed upload is tried again", async () => {
    const problem = { code: "invalid", message: "the disk is full", retryable: false };
    await page.route("**/v1/attachments", (route) => route.fulfill({ status: 400, contentType: "application/problem+json", body: JSON.stringify(problem) }));
    await choose(page, [picture("again.png", 1)]);
    await by(page, "upload-error").filter({ hasText: "The disk is full." }).waitFor();
    await page.unroute("**/v1/attachments");
    await by(page, "upload-retry").click();
    await isUploaded(page, 1);
    await by(page, "send").click();
    await imageIsShown(grace.page, "again.png");
  });
  await step("a deleted message takes its files with it", async () => {
    const message = by(page, "message").filter({ has: attached(page, "again.png") });
    await message.locator(".bubble").hover();
    await message.getByTestId("redact").click();
    await by(page, "redact-confirm").click();
    for (const { page: side } of [ada, grace]) await attached(side, "again.png").waitFor({ state: "detached" });
  });
}

async function speak() {
  const { page } = ada;
  await step("a voice message is recorded, heard, sent, and played", async () => {
    await by(page, "record").click();
    await page.locator("[data-testid=recorder][data-state=recording]").waitFor();
    await page.locator(".recorder-time").filter({ hasText: "0:01" }).waitFor();
    await harness.screen("98-recording", page);
    await by(page, "record-stop").click();
    await by(page, "record-preview").waitFor();
    await harness.screen("99-recorded", page);
    await by(page, "record-send").click();
    const row = by(grace.page, "message").last();
    await row.getByText("Voice message").waitFor();
    await row.getByTestId("play").click();
    await eventually("the sound plays", () => row.getByTestId("attached-audio").evaluate((audio) => audio.currentTime > 0 || audio.ended));
    await harness.screen("100-voice-dark", grace.page);
  });
  await step("a recording is discarded, and ends by releasing a button that was held", async () => {
    await by(page, "record").click();
    await by(page, "record-cancel").click();
    await by(page, "recorder").waitFor({ state: "detached" });
    await by(page, "record").hover();
    await page.mouse.down();
    await page.locator("[data-testid=recorder][data-state=recording]").waitFor();
    await page.locator(".recorder-time").filter({ hasText: "0:01" }).waitFor();
    await page.mouse.up();
    await by(page, "record-preview").waitFor();
    await by(page, "record-cancel").click();
  });
}

async function elsewhere() {
  await step("a phone shows the files, and sends one", async () => {
    const phone = await harness.person("grace-phone", { ...PHONE, colorScheme: "dark" });
    const { page } = phone;
    await actions.logIn(page, GRACE.username);
    await actions.openConversation(page, ADA.name);
    await by(page, "message").last().waitFor();
    await choose(page, [picture("phone.png", 1)]);
    await isUploaded(page, 1);
    await harness.screen("101-phone-tray", page);
    await by(page, "send").tap();
    await imageIsShown(page, "phone.png");
    await harness.screen("102-phone", page);
    await attached(page, "phone.png").tap();
    await by(page, "viewer-image").waitFor();
    await harness.screen("103-phone-viewer", page);
    await by(page, "viewer-close").tap();
    await phone.context.close();
    harness.pages.delete("grace-phone");
  });
  await step("files read from right to left in Arabic", async () => {
    const arabic = await harness.person("ada-arabic", { locale: "ar" });
    const { page } = arabic;
    await actions.logIn(page, ADA.username);
    await actions.openConversation(page, GRACE.name);
    await imageIsShown(page, "phone.png");
    await choose(page, [picture("قائمة.png", 2)]);
    await isUploaded(page, 1);
    await harness.screen("104-files-arabic", page);
    await arabic.context.close();
    harness.pages.delete("ada-arabic");
  });
}

async function program() {
  const conversation = await actions.openedId(ada.page);
  await uploadInNode({ step, base: options.base, username: ADA.username, conversation, reader: grace.page, folder });
}

async function find() {
  await step("messages with files are found", async () => {
    const { page } = ada;
    await by(page, "show-search").click();
    await by(page, "filter-files").click();
    await by(page, "found").filter({ hasText: "plan.txt" }).waitFor();
    await by(page, "found").filter({ hasText: "Voice message" }).waitFor();
    await harness.screen("105-search-files", page);
    await by(page, "search-close").click();
  });
}

const picture = (name, at) => ({ name, mimeType: "image/png", buffer: pictures[at] });

const choose = (page, files) => by(page, "attach-input").setInputFiles(files);

const attached = (page, name) => page.locator(`[data-testid=attached-image][title="${name}"]`);

const isUploaded = (page, count) =>
  eventually(`${count} uploaded`, async () => (await page.locator("[data-testid=upload][data-state=done]").count()) === count);

const imageIsShown = (page, name) =>
  eventually(`${name} shown`, async () => (await attached(page, name).locator("img").count()) === 1 && attached(page, name).locator("img").evaluate((image) => image.complete && image.naturalWidth > 0));

/** Returns the width of an image. The server may have removed what a reader does not need. */
const widthOf = (page, content) =>
  page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return (await createImageBitmap(new Blob([bytes]))).width;
  }, content.toString("base64"));

/** Returns PNG images in these colours. */
async function draw(page, colours) {
  const images = await page.evaluate((colours) => colours.map((colour) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 420 });
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, 640, 420);
    context.fillStyle = "#ffffff";
    context.beginPath();
    context.arc(320, 210, 120, 0, 2 * Math.PI);
    context.fill();
    return canvas.toDataURL("image/png").split(",")[1];
  }), colours);
  return images.map((base64) => Buffer.from(base64, "base64"));
}

await harness.run(async () => {
  for (const part of [pick, view, preview, files, fail, speak, program, find, elsewhere]) await part();
});
rmSync(folder, { recursive: true });
