import { createMemo, createRoot, createSignal } from "solid-js";
import { expect, it } from "vitest";
import { createTriggers } from "../../src/state/triggers";

it("what reads a key runs again when the key is fired, and no other does", () => {
  const triggers = createTriggers();
  createRoot((dispose) => {
    let runs = 0;
    const reads = createMemo(() => {
      triggers.track("a");
      return (runs += 1);
    });
    triggers.fire("b");
    expect(reads()).toBe(1);
    triggers.fire("a");
    triggers.fire("a");
    expect([reads(), triggers.size()]).toEqual([3, 1]);
    dispose();
  });
  triggers.fire("a");
});

it("a key that nothing reads any more is forgotten", () => {
  const triggers = createTriggers();
  createRoot((dispose) => {
    const [key, setKey] = createSignal("a");
    const readers = [createMemo(() => triggers.track(key())), createMemo(() => triggers.track("a"))];
    setKey("b");
    expect([readers.length, triggers.size()]).toEqual([2, 2]);
    setKey("c");
    expect(triggers.size()).toBe(2);
    dispose();
  });
  triggers.track("read by nothing");
  expect(triggers.size()).toBe(0);
});
