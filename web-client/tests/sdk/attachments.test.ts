import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describe as describeFile, discard, download, linkTo, thumbnail, upload, type AttachmentClient, type Progress } from "../../sdk/attachments";
import { type Confab, createConfab, type Environment, memoryStore } from "../../sdk/index";
import { createFakeServer, type FakeServer, type Fault } from "../../sdk/testing";

const MIB = 1 << 20;
/** Timeouts do not happen, and pauses are short. */

/** The id in a path. */
const ID = /(?<=attachments\/)\d+/;
const NEVER_FROM_MS = 60_000;
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

let server: FakeServer;
let confab: Confab;
let client: AttachmentClient;
let group: string;
let requests: string[];
let sentBytes: number;

beforeEach(async () => {
  server = createFakeServer();
  group = server.group("Picnic", ["ada", "grace"]);
  requests = [];
  sentBytes = 0;
  confab = connect("ada");
  client = await confab.lowLevel();
});
afterEach(() => confab.close());

function connect(username: string, environment: Partial<Environment> = {}): Confab {
  const { fetch, openSocket } = server.environment;
  return createConfab({
    url: server.url,
    auth: { username, password: "secret" },
    store: memoryStore(),
    environment: {
      openSocket,
      fetch(url, init) {
        const { pathname } = new URL(url);
        if (pathname.startsWith("/v1/attachments")) requests.push(`${init.method} ${pathname.replace(ID, "id")}`);
        if (init.body instanceof Blob) sentBytes += init.body.size;
        return fetch(url, init);
      },
      after(ms, work) {
        const timer = ms < NEVER_FROM_MS ? setTimeout(work, Math.min(ms, 1)) : undefined;
        return () => clearTimeout(timer);
      },
      ...environment,
    },
  });
}

/** Returns a file with bytes that depend on their place. */
function fileOf(size: number, name = "big.bin"): File {
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) content[at] = (at * 31 + (at >> 12)) & 0xff;
  return new File([content], name, { lastModified: 1 });
}

async function isSame(a: Blob, b: Blob): Promise<boolean> {
  return Buffer.from(await a.arrayBuffer()).equals(Buffer.from(await b.arrayBuffer()));
}

/** Gives the requests these faults, one after another. */
function failing(what: string, ...faults: Fault[]): void {
  server.fault = (name) => (name.replace(ID, "id") === what ? faults.shift() : undefined);
}

describe("upload", () => {
  it("small file is sent by one request, and others see it in the message", async () => {
    const file = new File([PNG], "Menü 🎉.png");
    const attachment = await upload(client, group, file);
    expect(requests).toEqual(["POST /v1/attachments"]);
    expect(attachment).toEqual({ id: attachment.id, name: "Menü 🎉.png", size: PNG.length, type: "image/png" });
    const sent = await (await confab.conversation(group)).send("", { attachments: [attachment.id] });
    expect(sent.attachments).toEqual([attachment]);
    const other = connect("grace");
    const content = await download(await other.lowLevel(), attachment.id);
    expect([content.type, await isSame(content, file)]).toEqual(["image/png", true]);
    other.close();
  });

  it("large file is sent in parts, with progress", async () => {
    const file = fileOf(3.5 * MIB);
    const progress: Progress[] = [];
    const { id } = await upload(client, group, file, { onProgress: (it) => progress.push(it) });
    const parts = Array.from({ length: 4 }, () => "PATCH /v1/attachments/id");
    expect(requests).toEqual(["POST /v1/attachments", ...parts, "GET /v1/attachments/id/info"]);
    expect(progress.map(({ done }) => done / MIB)).toEqual([0, 1, 2, 3, 3.5]);
    expect(await isSame(await download(client, id), file)).toBe(true);
  });

  it("upload goes on from what the server has after lost requests and lost answers", async () => {
    const file = fileOf(4 * MIB);
    failing("PATCH /v1/attachments/id", "lost", "answer lost", "lost", "lost", "answer lost");
    const { id } = await upload(client, group, file);
    expect(await isSame(await download(client, id), file)).toBe(true);
    expect(requests.filter((it) => it.startsWith("HEAD"))).toHaveLength(5);
    expect(sentBytes).toBe(4 * MIB + 3 * MIB);
  });

  it("complete file that the server has made smaller is not sent again", async () => {
    const file = fileOf(2 * MIB);
    const { fetch } = server.environment;
    let isCut = false;
    const shrinking = connect("ada", {
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        const offset = answer.headers.get("Upload-Offset");
        if (init.method === "PATCH" && offset === String(2 * MIB)) {
          isCut = true;
          throw new TypeError("the answer is lost");
        }
        if (init.method !== "HEAD" || !isCut) return answer;
        return new Response(null, { headers: { "Upload-Offset": "7", "Upload-Length": "7" } });
      },
    });
    const { name } = await upload(await shrinking.lowLevel(), group, file);
    expect([name, isCut]).toEqual(["big.bin", true]);
    shrinking.close();
  });

  it("another upload of the same file goes on where the first one was", async () => {
    const uploads = new Map<string, string>();
    const file = fileOf(3 * MIB);
    let isCut = false;
    server.fault = (what) => (what.startsWith("PATCH") && sentBytes > MIB ? ((isCut = true), "lost") : undefined);
    void upload(client, group, file, { uploads });
    await expect.poll(() => isCut).toBe(true);
    confab.close(); // the app ends
    server.fault = () => undefined;
    confab = connect("ada");
    client = await confab.lowLevel();
    sentBytes = 0;
    requests = [];
    const { id } = await upload(client, group, fileOf(3 * MIB), { uploads });
    expect(await isSame(await download(client, id), file)).toBe(true);
    expect(requests).not.toContain("POST /v1/attachments");
    expect([...uploads]).toEqual([]);
  });

  it("upload that the server has forgotten restarts", async () => {
    const uploads = new Map<string, string>();
    const file = fileOf(2 * MIB);
    const key = [group, file.size, 1, file.name].join(" ");
    uploads.set(key, "7");
    const { id } = await upload(client, group, file, { uploads });
    expect(requests.slice(0, 3)).toEqual(["HEAD /v1/attachments/id", "GET /v1/attachments/id/info", "POST /v1/attachments"]);
    expect(await isSame(await download(client, id), file)).toBe(true);
  });

  it("ended upload fails, and is removed from the server", async () => {
    const stop = new AbortController();
    const uploads = new Map<string, string>();
    const onProgress = ({ done }: Progress) => done > MIB && stop.abort();
    await expect(upload(client, group, fileOf(4 * MIB), { signal: stop.signal, onProgress, uploads })).rejects.toMatchObject({ name: "AbortError" });
    await expect.poll(() => requests.at(-1)).toBe("DELETE /v1/attachments/id");
    expect(uploads.size).toBe(0);
  });

  it("file that is too large is refused before it is sent", async () => {
    server.files.bytesMax = MIB;
    const refused = upload(client, group, fileOf(2 * MIB));
    await expect(refused).rejects.toMatchObject({ code: "too_large", details: { max: MIB } });
    expect(sentBytes).toBe(0);
  });

  it("server that takes no files at the moment is asked only a few times", async () => {
    const problem = { code: "unavailable", message: "no place for files", retryable: true };
    const { fetch } = server.environment;
    const without = connect("grace", {
      fetch: async (url, init) => {
        if (!url.endsWith("/v1/attachments")) return fetch(url, init);
        requests.push("refused");
        return new Response(JSON.stringify(problem), { status: 503 });
      },
    });
    await expect(upload(await without.lowLevel(), group, fileOf(10))).rejects.toMatchObject({ code: "unavailable" });
    expect(requests.filter((it) => it === "refused")).toHaveLength(5);
    without.close();
  });
});

describe("files of others", () => {
  it("nobody else sees a file before it is in a message", async () => {
    const { id } = await upload(client, group, fileOf(10));
    const grace = connect("grace");
    const other = await grace.lowLevel();
    await expect(describeFile(other, id)).rejects.toMatchObject({ code: "not_found" });
    await (await confab.conversation(group)).send("look", { attachments: [id] });
    expect(await describeFile(other, id)).toMatchObject({ name: "big.bin" });
    expect((await linkTo(other, id)).url).toBe(`${server.url}/v1/files/${id}`);
    grace.close();
  });

  it("images have thumbnails, and other files do not", async () => {
    const image = await upload(client, group, new File([PNG], "a.png"));
    expect((await thumbnail(client, image.id, 256)).type).toBe("image/png");
    expect(requests.at(-1)).toBe("GET /v1/attachments/id/thumbnail");
    const other = await upload(client, group, fileOf(10));
    await expect(thumbnail(client, other.id, 1024)).rejects.toMatchObject({ code: "not_found" });
  });

  it("discarded file is gone", async () => {
    const { id } = await upload(client, group, fileOf(10));
    await discard(client, id);
    await expect(describeFile(client, id)).rejects.toMatchObject({ code: "not_found" });
  });

  it("download reads only the rest after its connection broke", async () => {
    const file = fileOf(2 * MIB);
    const { id } = await upload(client, group, file);
    const ranges: (string | undefined)[] = [];
    const { fetch } = server.environment;
    const broken = connect("ada", {
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        if (init.method !== "GET" || !url.includes("/v1/attachments/")) return answer;
        ranges.push((init.headers as Record<string, string>)["Range"]);
        return ranges.length < 3 ? cut(answer, MIB / 2) : answer;
      },
    });
    const progress: Progress[] = [];
    const content = await download(await broken.lowLevel(), id, { onProgress: (it) => progress.push(it) });
    expect(await isSame(content, file)).toBe(true);
    expect(ranges).toEqual([undefined, `bytes=${MIB / 2}-`, `bytes=${MIB}-`]);
    expect(progress.at(-1)).toEqual({ done: 2 * MIB, size: 2 * MIB });
    broken.close();
  });
});

/** Returns an answer whose connection breaks after some bytes. */
async function cut(answer: Response, bytes: number): Promise<Response> {
  const content = new Uint8Array(await answer.arrayBuffer());
  const { status, headers } = answer;
  let isSent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (isSent) return controller.error(new TypeError("the connection broke"));
      isSent = true;
      controller.enqueue(content.slice(0, bytes));
    },
  });
  return new Response(body, { status, headers });
}
