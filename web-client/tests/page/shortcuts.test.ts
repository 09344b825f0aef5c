import { expect, it } from "vitest";
import { shortcutOf } from "../../src/components/shortcuts";

const key = (pressed: string, more: Partial<KeyboardEvent> = {}) =>
  ({ key: pressed, altKey: false, ctrlKey: false, metaKey: false, shiftKey: false, isComposing: false, target: null, ...more }) as KeyboardEvent;

it("shortcut needs its exact keys", () => {
  globalThis.Element ??= class {} as never;
  expect(shortcutOf(key("k", { ctrlKey: true }))).toBe("switcher");
  expect(shortcutOf(key("K", { metaKey: true }))).toBe("switcher");
  expect(shortcutOf(key("?", { shiftKey: true }))).toBe("shortcuts");
  const others = [key("k"), key("k", { ctrlKey: true, shiftKey: true }), key("k", { ctrlKey: true, altKey: true }), key("?", { isComposing: true })];
  expect(others.map(shortcutOf)).toEqual(Array(others.length).fill(undefined));
});
