// Whether the page is visible and focused, and the current time for texts like "2 minutes ago".

import { createSignal } from "solid-js";

const CLOCK_MS = 30_000;

const hasFocus = () => document.visibilityState === "visible" && document.hasFocus();
const [isFocused, setFocused] = createSignal(hasFocus());
const [now, setNow] = createSignal(new Date());

for (const name of ["focus", "blur"]) addEventListener(name, () => setFocused(hasFocus()));
document.addEventListener("visibilitychange", () => setFocused(hasFocus()));
setInterval(() => setNow(new Date()), CLOCK_MS);

export { isFocused, now };
