// Sizes of files, and why a file was refused, in the language of the page.

import { type Attachment, ConfabError } from "../../../sdk/index";
import { perLanguage } from "../../logic/format";
import { errorText } from "../../logic/refusals";
import { t } from "../../text/language";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
const STEP = 1024;

const formats = perLanguage((locale) =>
  UNITS.map((unit) => new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: unit === "byte" ? "long" : "short", maximumFractionDigits: 1 })),
);

export function sizeText(bytes: number): string {
  const at = bytes < STEP ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log(bytes) / Math.log(STEP)));
  const value = bytes / STEP ** at;
  return (formats()[at] as Intl.NumberFormat).format(value >= 100 ? Math.round(value) : value);
}

/** Returns how long a sound or a video is, or its size if that is not known. */
export function lengthText({ size, duration_ms }: Pick<Attachment, "size" | "duration_ms">): string {
  return duration_ms === undefined ? sizeText(size) : clock(Math.round(duration_ms / 1000));
}

export function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Returns why a file could not be uploaded. */
export function fileRefusal(error: unknown): string {
  if (!(error instanceof ConfabError)) return errorText(error);
  const { max } = error.details;
  if (error.code === "too_large" && typeof max === "number") return t().files.tooLarge(sizeText(max));
  if (error.code === "conflict" && typeof max === "number") return t().files.storageFull(sizeText(max));
  if (error.code === "unavailable") return t().files.unavailable;
  return errorText(error);
}
