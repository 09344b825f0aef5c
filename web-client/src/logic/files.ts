// What kind of file an attachment is, and what stands for it in one line of text.

import type { Attachment } from "../../sdk/index";
import { t } from "../text/language";

export type FileKind = "image" | "voice" | "audio" | "video" | "file";

/** The page names its recordings like this. Browsers record sounds in a format that is that of videos too. */
const RECORDING = /^voice-message-/;

export function kindOf({ name, type }: Pick<Attachment, "name" | "type">): FileKind {
  const [kind] = type.split("/");
  if ((kind === "audio" || kind === "video") && RECORDING.test(name)) return "voice";
  return kind === "image" || kind === "audio" || kind === "video" ? kind : "file";
}

/** Returns the text of a message, or what stands for its files if it has none. */
export function textOrFiles(text: string, files: readonly Attachment[] | undefined): string {
  const first = files?.[0];
  if (text || !first) return text;
  return `📎 ${kindOf(first) === "voice" ? t().list.voice : first.name}`;
}
