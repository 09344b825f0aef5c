// The keyboard shortcuts that work everywhere on the page of a logged-in user.

export type Shortcut = "switcher" | "shortcuts" | "developer";

/** Returns the shortcut of a key press, if it is one. A question mark is also a text, so it counts only outside of fields. */
export function shortcutOf(event: KeyboardEvent): Shortcut | undefined {
  if (event.altKey || event.isComposing) return undefined;
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && !event.shiftKey && event.key.toLowerCase() === "k") return "switcher";
  if (isCommand && event.key === ".") return "developer";
  if (!isCommand && event.key === "?" && !isField(event.target)) return "shortcuts";
  return undefined;
}

/** Returns true if the key press searches the open conversation. */
export function isSearchShortcut(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "f";
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}
