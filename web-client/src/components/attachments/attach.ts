// Adds files to a message, as many as it may have.

import { notify } from "../../state/notes";
import { t } from "../../text/language";
import type { Uploads } from "./uploads";

const FILES_MAX = 10;

export function attach(uploads: Uploads, files: readonly File[], conversation: string): void {
  const room = FILES_MAX - uploads.items.length;
  if (files.length > room) notify(t().files.tooMany(FILES_MAX), conversation);
  uploads.add(files.slice(0, room));
}
