// The keyboard shortcuts that work everywhere on the page of a logged-in user.

import { type Accessor, createSignal, onCleanup, type Setter } from "solid-js";

export type Shortcut = "switcher" | "shortcuts" | "developer";

/** Returns the part that a shortcut has opened. The same shortcut closes it. Listens at once, also while the part is still loaded. */
export function listenToShortcuts(): [Accessor<Shortcut | undefined>, Setter<Shortcut | undefined>] {
  const [shown, setShown] = createSignal<Shortcut>();
  const pressed = (event: KeyboardEvent) => {
    const shortcut = shortcutOf(event);
    if (!shortcut) return;
    event.preventDefault();
    setShown((before) => (before === shortcut ? undefined : shortcut));
  };
  addEventListener("keydown", pressed);
  onCleanup(() => removeEventListener("keydown", pressed));
  return [shown, setShown];
}

/** Returns the shortcut of a key press, if it is one. A question mark is also a text, so it counts only outside of fields. */
export function shortcutOf(event: KeyboardEvent): Shortcut | undefined {
  if (event.altKey || event.isComposing) return undefined;
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && !event.shiftKey && event.key.toLowerCase() === "k") return "switcher";
  if (isCommand && event.key === ".") return "developer";
  if (!isCommand && event.key === "?" && !isField(event.target)) return "shortcuts";
  return undefined;
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}
