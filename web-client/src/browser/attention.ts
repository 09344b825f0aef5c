// Whether somebody looks at the page, and what time it is for texts like "2 minutes ago".

import { createSignal } from "solid-js";

const CLOCK_MS = 30_000;

const isLooking = () => document.visibilityState === "visible" && document.hasFocus();
const [attentive, setAttentive] = createSignal(isLooking());
const [now, setNow] = createSignal(new Date());

for (const name of ["focus", "blur"]) addEventListener(name, () => setAttentive(isLooking()));
document.addEventListener("visibilitychange", () => setAttentive(isLooking()));
setInterval(() => setNow(new Date()), CLOCK_MS);

export { attentive, now };
