import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { draftOf, forgetDrafts, keepDraft } from "../../src/browser/drafts";
import { C, ME, OTHER } from "../sdk/gateway";

beforeEach(() => {
  const stored: Record<string, string> = {};
  const methods = {
    getItem: (key: string) => stored[key] ?? null,
    setItem: (key: string, value: string) => void (stored[key] = value),
    removeItem: (key: string) => void delete stored[key],
  };
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(stored, name, { value, writable: true });
  vi.stubGlobal("localStorage", stored);
  vi.stubGlobal("document", { baseURI: "https://example.org/" });
});
afterEach(() => vi.unstubAllGlobals());

it("draft belongs to one user and one conversation", () => {
  keepDraft(ME, C, "half a sentence");
  expect([draftOf(ME, C), draftOf(OTHER, C), draftOf(ME, "1")]).toEqual(["half a sentence", "", ""]);
  keepDraft(ME, C, "");
  expect(Object.keys(localStorage)).toEqual([]);
});

it("logout removes only the drafts of that user", () => {
  keepDraft(ME, C, "mine");
  keepDraft(ME, "1", "also mine");
  keepDraft(OTHER, C, "another one's");
  forgetDrafts(ME);
  expect([draftOf(ME, C), draftOf(ME, "1"), draftOf(OTHER, C)]).toEqual(["", "", "another one's"]);
});

it("full storage does not prevent typing", () => {
  localStorage.setItem = () => {
    throw new Error("quota");
  };
  expect(() => keepDraft(ME, C, "text")).not.toThrow();
});
