import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { OutboxItem } from "../../sdk/index";
import { unsentOf } from "../../src/browser/unsent";
import { forgetUnsent } from "../../src/browser/unsent_keys";
import { C, ME, OTHER } from "../sdk/gateway";

beforeEach(() => {
  const stored: Record<string, string> = {};
  const methods = {
    getItem: (key: string) => stored[key] ?? null,
    setItem: (key: string, value: string) => void (stored[key] = value),
    removeItem: (key: string) => void delete stored[key],
  };
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(stored, name, { value });
  vi.stubGlobal("localStorage", stored);
  vi.stubGlobal("document", { baseURI: "https://example.org/" });
});
afterEach(() => vi.unstubAllGlobals());

const item = (client_id: string): OutboxItem => ({
  client_id, conversation: C, command: { cmd: "send", conversation: C, client_id, text: "later" }, made_at: 5, state: "queued",
});

it("unsent command is kept until it is removed", () => {
  const store = unsentOf(ME);
  store.keep(item("a"));
  store.keep(item("b"));
  store.remove("a");
  expect(store.load()).toEqual([{ command: item("b").command, made_at: 5 }]);
});

it("logout removes only the unsent commands of that user", () => {
  unsentOf(ME).keep(item("a"));
  unsentOf(OTHER).keep(item("b"));
  forgetUnsent(ME);
  expect([unsentOf(ME).load().length, unsentOf(OTHER).load().length]).toEqual([0, 1]);
});
