import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Draft, draftOf, forgetDrafts, keepDraft } from "../../src/browser/drafts";
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

const texts = (...places: [string, string][]) => places.map(([user, conversation]) => draftOf(user, conversation).text);

it("draft belongs to one user and one conversation", () => {
  keepDraft(ME, C, { text: "half a sentence" });
  expect(texts([ME, C], [OTHER, C], [ME, "1"])).toEqual(["half a sentence", "", ""]);
  keepDraft(ME, C, { text: "" });
  expect(Object.keys(localStorage)).toEqual([]);
});

it("draft keeps the message that is answered or edited, also without a text", () => {
  const row = { seq: 3, sender: OTHER, text: "noon?" };
  const drafts: Draft[] = [
    { text: "", target: { kind: "reply", row } },
    { text: "half", target: { kind: "edit", row }, edited: "one?" },
  ];
  for (const draft of drafts) {
    keepDraft(ME, C, draft);
    expect(draftOf(ME, C)).toEqual(draft);
  }
});

it.each(["half a sentence", "12", "null", '{"title":"a text in braces"}', '"quoted"'])("draft %s of an earlier version is a text", (text) => {
  localStorage.setItem(`confab.draft.${ME}.${C}`, text);
  expect(draftOf(ME, C)).toEqual({ text });
});

it("logout removes only the drafts of that user", () => {
  keepDraft(ME, C, { text: "mine" });
  keepDraft(ME, "1", { text: "also mine" });
  keepDraft(OTHER, C, { text: "another one's" });
  forgetDrafts(ME);
  expect(texts([ME, C], [ME, "1"], [OTHER, C])).toEqual(["", "", "another one's"]);
});

it("full storage does not prevent typing", () => {
  localStorage.setItem = () => {
    throw new Error("quota");
  };
  expect(() => keepDraft(ME, C, { text: "text" })).not.toThrow();
});
