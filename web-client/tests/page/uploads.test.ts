import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Client, type Confab, createConfab, memoryStore } from "../../sdk/index";
import { createFakeServer, type FakeServer } from "../../sdk/testing";
import { createUploads, runningUploads, uploadedFile, type Uploads, uploadsIn } from "../../src/components/attachments/uploads";

let server: FakeServer;
let confab: Confab;
let client: Client;
let group: string;
let uploads: Uploads;
/** Requests that wait for `release`. */
let waiting: (() => void)[];
let isHeld: boolean;

beforeEach(async () => {
  server = createFakeServer();
  group = server.group("Picnic", ["ada"]);
  [waiting, isHeld] = [[], false];
  const { fetch, openSocket } = server.environment;
  confab = createConfab({
    url: server.url,
    auth: { username: "ada", password: "secret" },
    store: memoryStore(),
    environment: {
      openSocket,
      fetch: async (url, init) => {
        if (url.endsWith("/v1/attachments") && isHeld) await new Promise<void>((resolve) => waiting.push(resolve));
        return fetch(url, init);
      },
    },
  });
  client = await confab.lowLevel();
  uploads = createUploads(client, group);
});
afterEach(() => confab.close());

const file = (name: string) => new File(["content"], name);
const states = () => uploads.items.map(({ name, state }) => `${name} ${state}`);
const eventually = (condition: () => boolean) => expect.poll(condition).toBe(true);

it("uploaded files are sent with the message, and no longer shown above it", async () => {
  uploads.add([file("a.txt"), file("b.txt")]);
  expect([states(), uploads.isUploading()]).toEqual([["a.txt uploading", "b.txt uploading"], true]);
  await eventually(() => !uploads.isUploading());
  const ids = uploads.take();
  expect(ids.map((id) => uploadedFile(id)?.name)).toEqual(["a.txt", "b.txt"]);
  expect(uploads.items).toEqual([]);
  await (await confab.conversation(group)).send("", { attachments: ids });
});

it("three files are uploaded at the same time", async () => {
  isHeld = true;
  uploads.add(["a", "b", "c", "d", "e"].map(file));
  await eventually(() => waiting.length === 3);
  isHeld = false;
  waiting.forEach((release) => release());
  await eventually(() => states().every((it) => it.endsWith("done")));
});

it("refused file can be tried again, and is not sent", async () => {
  server.files.bytesMax = 3;
  uploads.add([file("a.txt")]);
  await eventually(() => uploads.hasFailed());
  expect([states(), uploads.take(), uploads.items.length]).toEqual([["a.txt failed"], [], 1]);
  server.files.bytesMax = 100;
  uploads.retry(uploads.items[0]!.key);
  await eventually(() => states()[0] === "a.txt done");
});

it("file that is removed is not uploaded, and makes room for the next", async () => {
  isHeld = true;
  uploads.add(["a", "b", "c", "d"].map(file));
  await eventually(() => waiting.length === 3);
  uploads.cancel(uploads.items[0]!.key);
  expect(states()).toEqual(["b uploading", "c uploading", "d uploading"]);
  isHeld = false;
  waiting.forEach((release) => release());
  await eventually(() => states().every((it) => it.endsWith("done")));
  expect(states()).toEqual(["b done", "c done", "d done"]);
});

it("uploads of a conversation are the same until the client ends", async () => {
  const known = uploadsIn(client, group);
  known.add([file("a.txt")]);
  expect(uploadsIn(client, group)).toBe(known);
  expect(uploadsIn(client, "7")).not.toBe(known);
  confab.close();
  await eventually(() => known.items.length === 0);
});

it("running uploads of all conversations are counted until they end", async () => {
  expect(runningUploads(client)).toBe(0);
  isHeld = true;
  const [here, there] = [uploadsIn(client, group), uploadsIn(client, server.group("Lunch", ["ada"]))];
  here.add(["a", "b"].map(file));
  there.add(["c", "d", "e", "f"].map(file));
  expect(runningUploads(client)).toBe(6);
  there.cancelAll();
  expect(runningUploads(client)).toBe(2);
  isHeld = false;
  await eventually(() => {
    waiting.splice(0).forEach((release) => release());
    return runningUploads(client) === 0;
  });
  expect(here.items.map(({ state }) => state)).toEqual(["done", "done"]);
});

it("image is shown from the file itself, and the address is given back", async () => {
  const revoke = vi.spyOn(URL, "revokeObjectURL");
  uploads.add([new File(["x"], "a.png", { type: "image/png" }), new File(["x"], "a.svg", { type: "image/svg+xml" })]);
  const [png, svg] = uploads.items.map(({ preview }) => preview);
  expect([png?.startsWith("blob:"), svg]).toEqual([true, undefined]);
  uploads.cancelAll();
  expect(revoke).toHaveBeenCalledWith(png);
});
