// Which uploads have begun in this tab, so that a file that is picked again after a reload goes on where it was.

import { storageKey } from "../../browser/place";
import type { UploadStore } from "../../../sdk/attachments";

const prefix = (key: string): string => storageKey(`upload.${key}`);

export const keptUploads: UploadStore = {
  get: (key) => storage()?.getItem(prefix(key)) ?? undefined,
  set(key, id) {
    try {
      storage()?.setItem(prefix(key), id);
    } catch {
      // the storage is full: then the file is sent from its start
    }
  },
  delete: (key) => storage()?.removeItem(prefix(key)),
};

/** Returns undefined where the browser blocks storage. */
function storage(): Storage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}
