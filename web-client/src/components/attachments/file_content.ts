// The content of a file for a component: read when it is wanted, and kept while the component is shown.

import { createSignal, onCleanup } from "solid-js";
import type { Client } from "../../../sdk/index";
import { type Attachment, download, thumbnail } from "../../../sdk/attachments";
import { FileCache, type HeldFile } from "./file_cache";

/** Enough for the largest place of an image in a message, also on dense screens. */
const THUMBNAIL_PX = 1024;
const SMALL_BYTES = 128 << 10;

const caches = new WeakMap<Client, FileCache>();

function cacheOf(client: Client): FileCache {
  const known = caches.get(client) ?? new FileCache((key) => {
    const [id = "", small] = key.split(" ");
    return small ? thumbnail(client, id, THUMBNAIL_PX) : download(client, id);
  });
  caches.set(client, known);
  return known;
}

export type ContentState = "unread" | "reading" | "ready" | "failed";

/** Returns the content of a file as an object URL, as soon as `read` was called and has succeeded. `isSmall` reads a thumbnail. */
export function createContent(client: Client, file: Pick<Attachment, "id" | "size">, isSmall = false) {
  const [state, setState] = createSignal<ContentState>("unread");
  const [url, setUrl] = createSignal<string>();
  const [error, setError] = createSignal<unknown>();
  let held: HeldFile | undefined;
  let isEnded = false;
  const release = () => {
    held?.release();
    held = undefined;
  };
  onCleanup(() => {
    isEnded = true;
    release();
  });

  async function read(): Promise<string | undefined> {
    if (state() === "reading" || state() === "ready") return url();
    setState("reading");
    held = isSmall ? cacheOf(client).hold(`${file.id} small`, SMALL_BYTES) : cacheOf(client).hold(file.id, file.size);
    try {
      const content = await held.url;
      if (isEnded) return undefined;
      setUrl(content);
      setState("ready");
      return content;
    } catch (reason) {
      release();
      setError(reason);
      setState("failed");
      return undefined;
    }
  }

  return { state, url, error, read };
}

/** The browser reads the content after the click. */
const SAVED_AFTER_MS = 60_000;

/** Saves a file of a message on the device. */
export async function save(client: Client, { id, name, size }: Attachment): Promise<void> {
  const held = cacheOf(client).hold(id, size);
  try {
    const link = document.createElement("a");
    link.href = await held.url;
    link.download = name;
    link.click();
  } finally {
    setTimeout(held.release, SAVED_AFTER_MS);
  }
}
