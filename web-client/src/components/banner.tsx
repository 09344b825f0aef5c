// Shows problems with the connection after a short delay, without moving the layout.

import { createEffect, createSignal, onCleanup, Show } from "solid-js";
import type { SessionState } from "../../sdk";
import { useModel } from "../state/model";

const SHOW_AFTER_MS = 700;

const TEXTS: Record<SessionState, string> = {
  connecting: "Connecting…",
  offline: "Not connected. Your messages will be sent when the connection is back.",
  polling: "Limited connection: messages may arrive a little later.",
  ended: "Not connected. Reload the page to continue.",
  online: "",
};

export function Banner() {
  const model = useModel();
  const [isLate, setLate] = createSignal(false);
  const isFine = () => model.state() === "online";

  createEffect(() => {
    setLate(false);
    if (isFine()) return;
    const timer = setTimeout(() => setLate(true), SHOW_AFTER_MS);
    onCleanup(() => clearTimeout(timer));
  });

  return (
    <div class="banner-place" role="status" data-testid="connection" data-state={model.state()}>
      <Show when={isLate() && !isFine()}>
        <span class={`banner ${model.state()}`}>
          <span class="banner-dot" />
          {TEXTS[model.state()]}
        </span>
      </Show>
    </div>
  );
}
