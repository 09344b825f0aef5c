import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { chooseTheme, chosenTheme, startTheme } from "../../src/browser/theme";

const root = { dataset: {} as Record<string, string> };
const bars = ["light", "dark"].map((scheme) => ({ dataset: { scheme }, media: "" }));
const media = () => bars.map((bar) => bar.media);
let changed: (event: { key: string }) => void;

beforeEach(() => {
  const stored = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  vi.stubGlobal("document", { baseURI: "https://example.org/", documentElement: root, querySelectorAll: () => bars });
  vi.stubGlobal("addEventListener", (_: string, listener: typeof changed) => (changed = listener));
});
afterEach(() => vi.unstubAllGlobals());

it("page follows the system until the user chooses", () => {
  startTheme();
  expect([chosenTheme(), root.dataset["theme"]]).toEqual([undefined, undefined]);
  expect(media()).toEqual(["(prefers-color-scheme: light)", "(prefers-color-scheme: dark)"]);
});

it("a choice is shown at once, also in the bars of the browser, and can be taken back", () => {
  chooseTheme("dark");
  expect([chosenTheme(), root.dataset["theme"], ...media()]).toEqual(["dark", "dark", "not all", "all"]);
  chooseTheme(undefined);
  expect([chosenTheme(), root.dataset["theme"]]).toEqual([undefined, undefined]);
});

it("a choice in another tab is followed", () => {
  startTheme();
  localStorage.setItem("confab.theme", "light");
  changed({ key: "confab.theme" });
  expect(root.dataset["theme"]).toBe("light");
});

it("an unknown stored theme is that of the system", () => {
  localStorage.setItem("confab.theme", "sepia");
  startTheme();
  expect(root.dataset["theme"]).toBe(undefined);
});
