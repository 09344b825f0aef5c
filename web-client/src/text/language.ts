// The language of the page: the user's choice, or that of the system. Its texts are loaded in two parts: those of the first
// screens, and those of all others.

import { createSignal } from "solid-js";
import { storageKey } from "../browser/place";
import { readStored, removeStored, writeStored } from "../browser/storage";
import type { FirstTexts } from "./en";
import type { MoreTexts } from "./en_more";

/** Each language calls itself by its own name. */
export const LANGUAGES = { en: "English", es: "Español", de: "Deutsch", ar: "العربية" } as const;
export type Code = keyof typeof LANGUAGES;

export type Texts = FirstTexts & MoreTexts;

const FIRST: Record<Code, () => Promise<FirstTexts>> = {
  en: async () => (await import("./en")).en,
  es: async () => (await import("./es")).es,
  de: async () => (await import("./de")).de,
  ar: async () => (await import("./ar")).ar,
};
const MORE: Record<Code, () => Promise<MoreTexts>> = {
  en: async () => (await import("./en_more")).enMore,
  es: async () => (await import("./es_more")).esMore,
  de: async () => (await import("./de_more")).deMore,
  ar: async () => (await import("./ar_more")).arMore,
};
const FROM_RIGHT: readonly Code[] = ["ar"];
const DEFAULT: Code = "en";

interface Loaded {
  code: Code;
  /** With the region that the system prefers, for dates. */
  locale: string;
  texts: FirstTexts & Partial<MoreTexts>;
  hasMore: boolean;
}

const [loaded, setLoaded] = createSignal<Loaded>();

/** Returns the texts. Parts of the page that are loaded later may use all of them. */
export function t(): Texts {
  const current = loaded();
  if (!current) throw new Error("the texts are not loaded yet");
  return current.texts as Texts;
}

export const locale = (): string | undefined => loaded()?.locale;

/** Returns the language that the user has chosen, or undefined for that of the system. */
export function chosenLanguage(): Code | undefined {
  const stored = readStored(storageKey("language"));
  return stored !== null && stored in LANGUAGES ? (stored as Code) : undefined;
}

/** Keeps a choice, and shows the page in its language. Without one, the page follows the system. */
export async function chooseLanguage(code: Code | undefined): Promise<void> {
  if (code) writeStored(storageKey("language"), code);
  else removeStored(storageKey("language"));
  await loadTexts();
}

/** Loads the texts of the user's language, as many as the page has already used. If this fails, English is tried. */
export async function loadTexts(): Promise<void> {
  const code = chosenLanguage() ?? languageOfSystem(navigator.languages);
  try {
    await load(code);
  } catch (error) {
    if (loaded() || code === DEFAULT) throw error;
    await load(DEFAULT);
  }
  const shown = loaded()?.code ?? DEFAULT;
  document.documentElement.lang = shown;
  document.documentElement.dir = FROM_RIGHT.includes(shown) ? "rtl" : "ltr";
}

async function load(code: Code): Promise<void> {
  const [first, more] = await Promise.all([FIRST[code](), loaded()?.hasMore ? MORE[code]() : undefined]);
  setTexts(code, first, more);
}

/** Loads the texts that the first screens do not need. */
export async function loadMoreTexts(): Promise<void> {
  const before = loaded();
  if (!before || before.hasMore) return;
  const more = await MORE[before.code]();
  if (loaded() === before) setTexts(before.code, before.texts, more);
}

/** Returns the first language of the system that the page has. */
export function languageOfSystem(preferred: readonly string[]): Code {
  const codes = preferred.map((tag) => tag.split("-")[0] ?? "");
  return (codes.find((code) => code in LANGUAGES) as Code | undefined) ?? DEFAULT;
}

export function setTexts(code: Code, first: FirstTexts, more?: MoreTexts): void {
  const preferred = typeof navigator === "undefined" ? [] : (navigator.languages ?? []);
  const locale = preferred.find((tag) => tag.split("-")[0] === code) ?? code;
  setLoaded({ code, locale, texts: { ...first, ...more }, hasMore: more !== undefined });
}
