// Attachments: uploads that go on after a lost connection, and downloads.
//
// Uploads speak tus 1.0 (https://tus.io/protocols/resumable-upload). A file is sent in parts. After a failure, the server says
// how much of it is stored, and the upload goes on there.

import { patientDelayMs, SEND_BACKOFF } from "./backoff.js";
import type { Client } from "./client.js";
import { attachment, type Attachment } from "./entry.js";
import { isCode, isRetryable, ConfabError, Unreachable } from "./error.js";
import { fileLink } from "./found.js";
import { Pause } from "./pause.js";
import { anything, integer, text } from "./shape.js";

export type { Attachment } from "./entry.js";

/** The part of a client that moves files. `confab.lowLevel()` returns a client. */
export type AttachmentClient = Pick<Client, "rest" | "environment">;

/** Keeps which uploads have begun, so that they go on after a restart. A `Map` is one. */
export interface UploadStore {
  get(key: string): string | undefined;
  set(key: string, id: string): unknown;
  delete(key: string): unknown;
}

/** How much of a file has arrived, in bytes. */
export interface Progress {
  done: number;
  size: number;
}

/** The options of `upload`. */
export interface UploadOptions {
  /** The name that others see. By default that of the `File`. */
  name?: string;
  onProgress?: (progress: Progress) => void;
  /** Ends the upload, and removes what the server has of it. */
  signal?: AbortSignal;
  /** With it, an upload of the same file goes on where an earlier one was. */
  uploads?: UploadStore;
}

/** The options of `download`. */
export interface DownloadOptions {
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

const MIB = 1 << 20;
/** The server takes at most 2,048 parts. */
const PARTS_MAX = 2_000;
/** The server waits no longer for a MiB. */
const MIB_TIMEOUT_MS = 60_000;
/** A download that takes longer goes on with another request. */
const DOWNLOAD_TIMEOUT_MS = 120_000;
/** How often in a row the server may refuse a step that can succeed later. Lost connections do not count. */
const REFUSALS_MAX = 5;
const TUS = { "Tus-Resumable": "1.0.0" };

/**
 * Uploads a file for a conversation, and returns it. Send its id with `room.send(text, { attachments: [id] })`. The upload goes
 * on after every lost connection. It fails if the server refuses the file, or when `signal` ends it.
 */
export async function upload(client: AttachmentClient, conversation: string, file: Blob, options: UploadOptions = {}): Promise<Attachment> {
  const run = new Upload(client, conversation, file, options);
  const end = () => run.wake();
  const unwatch = client.environment.watchNetwork?.((isBack) => isBack && run.wake());
  options.signal?.addEventListener("abort", end);
  try {
    return await run.complete();
  } finally {
    unwatch?.();
    options.signal?.removeEventListener("abort", end);
  }
}

/** Removes an uploaded file that no message shows. */
export async function discard({ rest }: Pick<Client, "rest">, id: string): Promise<void> {
  await rest.call("DELETE", pathOf(id), anything, { headers: TUS });
}

/** Returns what is known of a file that this user may see. */
export function describe({ rest }: Pick<Client, "rest">, id: string): Promise<Attachment> {
  return rest.call("GET", `${pathOf(id)}/info`, attachment);
}

/** Returns the content of a file. After a lost connection, only the rest is read. */
export function download(client: AttachmentClient, id: string, options: DownloadOptions = {}): Promise<Blob> {
  return readContent(client, pathOf(id), options);
}

/** Returns a small image of an image, whose longer side has `size` pixels. An image that is not larger is returned as it is. */
export function thumbnail(client: AttachmentClient, id: string, size: 256 | 1024, options: DownloadOptions = {}): Promise<Blob> {
  return readContent(client, `${pathOf(id)}/thumbnail?size=${size}`, options);
}

async function readContent({ rest, environment }: AttachmentClient, path: string, options: DownloadOptions): Promise<Blob> {
  const content = new Content(options.onProgress);
  const { signal } = options;
  for (let failures = 0; !content.isComplete; failures += 1) {
    const before = content.bytes;
    try {
      await rest.call("GET", path, anything, {
        headers: content.wanted(), timeout_ms: DOWNLOAD_TIMEOUT_MS, read: (response) => content.read(response), ...(signal ? { signal } : {}),
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (!isRetryable(error)) throw error;
      if (content.bytes > before) failures = 0;
      await new Promise<void>((resolve) => environment.after(delayAfter(error, failures, environment.random()), resolve));
    }
  }
  return content.blob();
}

/** A link to a file that works without a login, for `<img>` and `<video>`. */
export interface FileLink {
  url: string;
  /** When it ends. */
  expires_at: string;
}

/** Makes a link to a file that this user may see. */
export async function linkTo({ rest, environment }: AttachmentClient, id: string): Promise<FileLink> {
  const { url, expires_at } = await rest.call("POST", `${pathOf(id)}/link`, fileLink);
  return { url: environment.base_url + url, expires_at };
}

/** One upload, step by step. */
class Upload {
  readonly #name: string;
  readonly #key: string;
  readonly #pause: Pause;
  #id: string | undefined;
  /** How much the server has, or undefined if that must be asked. */
  #stored: number | undefined;
  /** Since the upload got further. */
  #failures = 0;
  #refusals = 0;

  constructor(
    private readonly client: AttachmentClient,
    private readonly conversation: string,
    private readonly file: Blob,
    private readonly options: UploadOptions,
  ) {
    const { name = "", lastModified = "" } = file as Partial<File>;
    this.#name = options.name ?? name;
    this.#key = [conversation, file.size, lastModified, this.#name].join(" ");
    this.#pause = new Pause(client.environment);
    this.#id = options.uploads?.get(this.#key);
  }

  wake(): void {
    this.#pause.wake();
  }

  async complete(): Promise<Attachment> {
    for (;;) {
      try {
        this.options.signal?.throwIfAborted();
        const complete = await this.#step();
        if (!complete) continue;
        this.options.uploads?.delete(this.#key);
        return complete;
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  /** Begins the upload, asks how far it is, or sends the next part. Returns the file when it is complete. */
  async #step(): Promise<Attachment | undefined> {
    if (this.#id === undefined) return this.#begin();
    if (this.#stored === undefined) return this.#ask(this.#id);
    this.options.onProgress?.({ done: this.#stored, size: this.file.size });
    if (this.#stored < this.file.size) return this.#sendPart(this.#id, this.#stored);
    return describe(this.client, this.#id);
  }

  /** Begins an upload. A small file is sent at once. */
  async #begin(): Promise<Attachment | undefined> {
    const isWhole = this.file.size <= MIB;
    const metadata = `conversation ${base64(this.conversation)},filename ${base64(this.#name)}`;
    const headers = { ...TUS, "Upload-Length": String(this.file.size), "Upload-Metadata": metadata, ...OCTETS };
    const begun = await this.#call("POST", "/v1/attachments", headers, isWhole ? this.file : undefined, async (response) => ({
      location: response.headers.get("Location") ?? "",
      body: await response.text(),
    }));
    if (isWhole && begun.body) {
      this.options.onProgress?.({ done: this.file.size, size: this.file.size });
      return attachment(JSON.parse(begun.body), "attachment");
    }
    this.#id = text(begun.location.split("/").at(-1) || undefined, "Location");
    this.#stored = isWhole ? undefined : 0;
    this.options.uploads?.set(this.#key, this.#id);
    return undefined;
  }

  async #ask(id: string): Promise<undefined> {
    try {
      const [stored, isComplete] = await this.#call("HEAD", pathOf(id), TUS, undefined, async (response) => [
        await offsetOf(response), response.headers.get("Upload-Length") === response.headers.get("Upload-Offset"),
      ] as const);
      this.#stored = isComplete ? this.file.size : stored; // the server may have made a complete file smaller
    } catch (error) {
      if (error instanceof Unreachable) await this.#checkExists(id); // an answer to HEAD has no body that says why
      throw error;
    }
  }

  async #checkExists(id: string): Promise<void> {
    await describe(this.client, id).catch((error: unknown) => {
      if (isCode(error, "not_found")) throw error;
    });
  }

  async #sendPart(id: string, from: number): Promise<undefined> {
    const part = this.file.slice(from, from + Math.max(MIB, Math.ceil(this.file.size / PARTS_MAX)));
    const headers = { ...TUS, ...OCTETS, "Upload-Offset": String(from) };
    this.#stored = await this.#call("PATCH", pathOf(id), headers, part, offsetOf);
    this.#failures = 0;
    this.#refusals = 0;
  }

  #call<T>(method: "HEAD" | "POST" | "PATCH", path: string, headers: Record<string, string>, body: Blob | undefined, read: (response: Response) => Promise<T>): Promise<T> {
    const { signal } = this.options;
    const timeout_ms = Math.ceil(Math.max(1, (body?.size ?? 0) / MIB)) * MIB_TIMEOUT_MS;
    const extras = { headers, timeout_ms, read, ...(body ? { body } : {}), ...(signal ? { signal } : {}) };
    return this.client.rest.call(method, path, (value) => value as T, extras);
  }

  /** Prepares the step after a failure, or fails. */
  async #recover(error: unknown): Promise<void> {
    const { signal, uploads } = this.options;
    const isBegun = this.#id !== undefined;
    const isGone = isBegun && isCode(error, "not_found");
    const isContested = isBegun && isCode(error, "conflict");
    if (error instanceof ConfabError && error.code !== "rate_limited") this.#refusals += 1;
    const mayRetry = (isRetryable(error) || isGone || isContested) && this.#refusals < REFUSALS_MAX;
    if (signal?.aborted || !mayRetry) {
      uploads?.delete(this.#key);
      if (this.#id !== undefined) void discard(this.client, this.#id).catch(() => undefined); // it ends by itself after a day
      throw signal?.aborted ? signal.reason : error;
    }
    this.#stored = undefined;
    if (isGone) this.#id = undefined;
    else await this.#pause.wait(delayAfter(error, this.#failures, this.client.environment.random()));
    this.#failures += 1;
  }
}

/** The content of a file, as far as it is read. */
class Content {
  bytes = 0;
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #size: number | undefined;
  #tag = "";
  #type = "";

  constructor(private readonly onProgress: DownloadOptions["onProgress"]) {}

  get isComplete(): boolean {
    return this.#size !== undefined && this.bytes >= this.#size;
  }

  /** Returns the headers that ask for what is missing. */
  wanted(): Record<string, string> {
    return { Accept: "*/*", ...(this.bytes > 0 && this.#tag ? { Range: `bytes=${this.bytes}-`, "If-Range": this.#tag } : {}) };
  }

  /** Adds an answer: the rest, or all of it. */
  async read(response: Response): Promise<void> {
    if (response.status !== 206) {
      this.#parts = [];
      this.bytes = 0;
      this.#size = undefined;
    }
    this.#tag = response.headers.get("ETag") ?? "";
    this.#type = response.headers.get("Content-Type") ?? "";
    const length = response.headers.get("Content-Length");
    if (length !== null) this.#size = this.bytes + Number(length);
    const reader = response.body?.getReader();
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      this.#parts.push(read.value);
      this.bytes += read.value.length;
      this.onProgress?.({ done: this.bytes, size: this.#size ?? this.bytes });
    }
    this.#size ??= this.bytes;
  }

  blob(): Blob {
    return new Blob(this.#parts, { type: this.#type });
  }
}

const OCTETS = { "Content-Type": "application/offset+octet-stream" };

const pathOf = (id: string): string => `/v1/attachments/${encodeURIComponent(id)}`;

/** Returns how much of the file the server has. */
async function offsetOf(response: Response): Promise<number> {
  return integer(Number(response.headers.get("Upload-Offset") ?? NaN), "Upload-Offset");
}

function delayAfter(error: unknown, failures: number, random: number): number {
  const asked_ms = error instanceof ConfabError ? error.retryAfterMs : undefined;
  return asked_ms ?? patientDelayMs(SEND_BACKOFF, failures, random);
}

function base64(value: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(value)));
}
