// The open conversation. It is kept in the URL, so that reload and the back button work.

import { createSignal } from "solid-js";

const PATTERN = /^#\/c\/(\d+)$/;

const [opened, setOpened] = createSignal(read());
addEventListener("hashchange", () => setOpened(read()));

export { opened };

export const addressOf = (conversation: string): string => `#/c/${conversation}`;

export function goTo(conversation: string | undefined): void {
  location.hash = conversation ? addressOf(conversation) : "#/";
}

function read(): string | undefined {
  return PATTERN.exec(location.hash)?.[1];
}
