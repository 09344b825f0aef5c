import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { logins } from "../../src/browser/logins";

let stored: Map<string, string>;

beforeEach(() => {
  vi.useFakeTimers();
  stored = new Map();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("document", { baseURI: "https://example.org/" });
});
afterEach(() => vi.unstubAllGlobals());

it("renewals take turns when Web Locks are missing", async () => {
  let running = 0;
  let most = 0;
  let done = 0;
  const work = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 50));
    running -= 1;
    done += 1;
  };
  for (let tab = 0; tab < 4; tab += 1) void logins.exclusive(work);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([most, done]).toEqual([1, 4]);
});

it("lock of a closed tab expires", async () => {
  stored.set("confab.renewing", `${Date.now() + 10_000}.5`);
  let isDone = false;
  void logins.exclusive(async () => void (isDone = true));
  await vi.advanceTimersByTimeAsync(9_000);
  expect(isDone).toBe(false);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(isDone).toBe(true);
});

it("invalid stored login is ignored", () => {
  stored.set("confab.login", "{broken");
  expect(logins.load()).toBeUndefined();
});
