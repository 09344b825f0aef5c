// The files that a user adds to a message: from picking them until the message is sent. They belong to a conversation, so that
// uploads go on while another one is open.

import { createStore, produce } from "solid-js/store";
import type { Client } from "../../../sdk/index";
import { type Attachment, upload } from "../../../sdk/attachments";
import { keptUploads } from "./kept_uploads";

export interface Upload {
  readonly key: number;
  readonly name: string;
  readonly size: number;
  readonly type: string;
  /** An object URL of an image. */
  readonly preview?: string | undefined;
  readonly state: "uploading" | "done" | "failed";
  /** How many bytes the server has. */
  readonly done: number;
  readonly error?: unknown;
  readonly attachment?: Attachment | undefined;
}

export type Uploads = ReturnType<typeof createUploads>;

const RUNNING_MAX = 3;
const SHOWABLE = /^image\/(png|jpeg|gif|webp|avif)$/;
let keys = 0;

/** Files that were uploaded here, for messages that are not in the log yet. */
const uploaded = new Map<string, Attachment>();
export const uploadedFile = (id: string): Attachment | undefined => uploaded.get(id);

export function createUploads(client: Client, conversation: string) {
  const [items, set] = createStore<Upload[]>([]);
  const files = new Map<number, File>();
  const running = new Map<number, AbortController>();
  const waiting: number[] = [];

  const change = (key: number, changed: Partial<Upload>) => set((it) => it.key === key, changed);

  function add(added: readonly File[]): void {
    for (const file of added) {
      const { name, size, type } = file;
      const key = ++keys;
      files.set(key, file);
      const preview = SHOWABLE.test(type) ? URL.createObjectURL(file) : undefined;
      set(items.length, { key, name, size, type, preview, state: "uploading", done: 0 });
      waiting.push(key);
    }
    startNext();
  }

  function startNext(): void {
    while (running.size < RUNNING_MAX) {
      const key = waiting.shift();
      if (key === undefined) return;
      void run(key);
    }
  }

  async function run(key: number): Promise<void> {
    const file = files.get(key);
    if (!file) return;
    const stop = new AbortController();
    running.set(key, stop);
    try {
      const onProgress = ({ done }: { done: number }) => change(key, { done });
      const attachment = await upload(client, conversation, file, { onProgress, signal: stop.signal, uploads: keptUploads });
      uploaded.set(attachment.id, attachment);
      change(key, { state: "done", done: file.size, attachment });
    } catch (error) {
      if (!stop.signal.aborted) change(key, { state: "failed", error });
    } finally {
      running.delete(key);
      startNext();
    }
  }

  function remove(key: number): void {
    const preview = items.find((it) => it.key === key)?.preview;
    if (preview) URL.revokeObjectURL(preview);
    files.delete(key);
    set(produce((all) => void all.splice(all.findIndex((it) => it.key === key), 1)));
  }

  /** Removes a file, and ends its upload. */
  function cancel(key: number): void {
    running.get(key)?.abort();
    remove(key);
  }

  function retry(key: number): void {
    change(key, { state: "uploading", done: 0, error: undefined });
    waiting.push(key);
    startNext();
  }

  /** Returns the ids of the uploaded files, and removes them here, because they are sent. */
  function take(): string[] {
    const done = items.filter((it) => it.attachment);
    const ids = done.flatMap(({ attachment }) => attachment?.id ?? []);
    for (const { key } of done) remove(key);
    return ids;
  }

  const countUploading = (): number => items.filter((it) => it.state === "uploading").length;

  return {
    items,
    add,
    cancel,
    retry,
    take,
    cancelAll: () => items.map(({ key }) => key).forEach(cancel),
    countUploading,
    isUploading: (): boolean => countUploading() > 0,
    hasFailed: (): boolean => items.some((it) => it.state === "failed"),
  };
}

const ofClients = new WeakMap<Client, Map<string, Uploads>>();

/** Returns the uploads of a conversation. They end with the client. */
export function uploadsIn(client: Client, conversation: string): Uploads {
  const known = ofClients.get(client) ?? new Map<string, Uploads>();
  if (!ofClients.has(client)) {
    ofClients.set(client, known);
    client.on("ended", () => known.forEach((uploads) => uploads.cancelAll()));
  }
  const uploads = known.get(conversation) ?? createUploads(client, conversation);
  known.set(conversation, uploads);
  return uploads;
}

/** Returns how many files are being uploaded, in all conversations together. */
export function runningUploads(client: Client): number {
  return [...(ofClients.get(client)?.values() ?? [])].reduce((sum, uploads) => sum + uploads.countUploading(), 0);
}
