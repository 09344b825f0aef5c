// Light or dark: the user's choice for this device, or that of the system.

import { storageKey } from "./place";
import { readStored, removeStored, writeStored } from "./storage";

export const THEMES = ["light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const themeKey = () => storageKey("theme");

/** Returns the theme that the user has chosen, or undefined for that of the system. */
export function chosenTheme(): Theme | undefined {
  return THEMES.find((theme) => theme === readStored(themeKey()));
}

/** Keeps a choice and shows it. Without one, the page follows the system. */
export function chooseTheme(theme: Theme | undefined): void {
  if (theme) writeStored(themeKey(), theme);
  else removeStored(themeKey());
  showTheme();
}

/** Shows the chosen theme, also in the browser's own bars, and follows a choice in another tab. */
export function startTheme(): void {
  showTheme();
  addEventListener("storage", (event) => event.key === themeKey() && showTheme());
}

function showTheme(): void {
  const theme = chosenTheme();
  if (theme) document.documentElement.dataset["theme"] = theme;
  else delete document.documentElement.dataset["theme"];
  for (const bar of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    const scheme = bar.dataset["scheme"];
    bar.media = theme === undefined ? `(prefers-color-scheme: ${scheme})` : scheme === theme ? "all" : "not all";
  }
}
