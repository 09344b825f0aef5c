import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConfabError, Unreachable } from "../../sdk/index";
import { FileCache } from "../../src/components/attachments/file_cache";
import { fileRefusal, lengthText, sizeText } from "../../src/components/attachments/file_words";
import { nameOfRecording } from "../../src/components/attachments/recording";
import { kindOf, textOrFiles } from "../../src/logic/files";
import { rowsOf, withChange } from "../../src/logic/rows";
import { unmarked } from "../../src/text/sentence";
import { C, ME, textEntry } from "../sdk/gateway";

const file = (name: string, type: string) => ({ id: "1", name, size: 10, type });

describe("kinds of files", () => {
  it("type that the server found decides, not the name", () => {
    expect(kindOf(file("cat.png", "application/octet-stream"))).toBe("file");
    expect(kindOf(file("letter.pdf", "image/png"))).toBe("image");
    expect(kindOf(file("film.webm", "video/webm"))).toBe("video");
  });

  it("recording of this page is a voice message in every format that browsers record", () => {
    const at = new Date("2026-03-14T09:26:53.589Z");
    expect(nameOfRecording(at, "audio/webm;codecs=opus")).toBe("voice-message-2026-03-14-09-26-53.webm");
    for (const [type, found] of [["audio/webm", "video/webm"], ["audio/mp4", "audio/mp4"], ["audio/ogg", "audio/ogg"]] as const) {
      expect(kindOf(file(nameOfRecording(at, type), found))).toBe("voice");
    }
    expect(kindOf(file("voice-message-1.webm", "application/octet-stream"))).toBe("file");
  });

  it("message without a text is named by its first file", () => {
    expect(textOrFiles("hello", [file("a.png", "image/png")])).toBe("hello");
    expect(textOrFiles("", [file("menu.pdf", "application/octet-stream")])).toBe("📎 menu.pdf");
    expect(textOrFiles("", undefined)).toBe("");
  });
});

describe("words about files", () => {
  const refusal = (code: string, details?: Record<string, unknown>) =>
    unmarked(fileRefusal(new ConfabError({ code, message: "no", retryable: false, ...(details ? { details } : {}) })));

  it("sizes are short", () => {
    expect([0, 1, 1023, 1024, 1_500_000, 25 << 20, 5 * 2 ** 30].map(sizeText)).toEqual(["0 bytes", "1 byte", "1,023 bytes", "1 kB", "1.4 MB", "25 MB", "5 GB"]);
  });

  it("sounds have their length, or their size if that is not known", () => {
    expect([{ size: 1024 }, { size: 1024, duration_ms: 61_400 }, { size: 1024, duration_ms: 600_000 }].map(lengthText)).toEqual(["1 kB", "1:01", "10:00"]);
  });

  it("refusals name the limit", () => {
    expect(refusal("too_large", { max: 25 << 20 })).toBe("This file is too large. A file has at most 25 MB.");
    expect(refusal("conflict", { max: 2 ** 30 })).toContain("1 GB together");
    expect(refusal("unavailable")).toBe("Files cannot be sent at the moment.");
    expect(fileRefusal(new Unreachable("gone"))).toContain("cannot be reached");
  });
});

describe("rows with files", () => {
  const entry = textEntry(5, { text: "", attachments: [file("a.png", "image/png")] });

  it("redaction removes the files of a message", () => {
    const rows = rowsOf([entry]);
    expect(rows[0]).toMatchObject({ files: [{ name: "a.png" }] });
    const redacted = withChange(rows, { conversation: C, seq: 6, id: "6", sender: ME, sent_at: entry.sent_at, kind: "redacted", target_seq: 5 });
    expect(redacted[0]).toMatchObject({ isRedacted: true, files: undefined });
  });
});

describe("cache of contents", () => {
  let revoked: string[];
  let read: ReturnType<typeof vi.fn<(id: string) => Promise<Blob>>>;
  beforeEach(() => {
    revoked = [];
    let urls = 0;
    vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${++urls}`);
    vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void revoked.push(url));
    read = vi.fn(async () => new Blob(["x"]));
  });
  afterEach(() => vi.restoreAllMocks());

  it("content is read once while it is cached", async () => {
    const cache = new FileCache(read, 100);
    const held = cache.hold("a", 60);
    held.release();
    expect(await cache.hold("a", 60).url).toBe(await held.url);
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("least recently used contents are dropped, but none that is shown", async () => {
    const cache = new FileCache(read, 100);
    const [a, b, c] = ["a", "b", "c"].map((id) => cache.hold(id, 60));
    await Promise.all([a!.url, b!.url, c!.url]);
    a!.release();
    expect(revoked).toEqual([]);
    c!.release();
    await Promise.resolve();
    expect(revoked).toEqual(["blob:1"]);
    b!.release();
    b!.release();
    await Promise.resolve();
    expect(revoked).toEqual(["blob:1", "blob:2"]);
  });

  it("content that could not be read is read again", async () => {
    read.mockRejectedValueOnce(new Error("broken"));
    const cache = new FileCache(read);
    await expect(cache.hold("a", 1).url).rejects.toThrow("broken");
    expect(await cache.hold("a", 1).url).toMatch(/^blob:/);
  });
});
