// Shows problems with the connection in a bar above everything else, after a delay that hides short ones.

import { createEffect, createMemo, createSignal, onCleanup, Show } from "solid-js";
import type { SessionState } from "../../sdk/index";
import { useModel } from "../state/model_context";
import { t } from "../text/language";

const SHOW_AFTER_MS = 3_000;
const TICK_MS = 500;

function textOf(state: SessionState): string {
  return state === "online" ? "" : t().connection[state];
}

export function Banner() {
  const model = useModel();
  const [isLate, setLate] = createSignal(false);
  const isFine = createMemo(() => model.state() === "online");

  createEffect(() => {
    setLate(false);
    if (isFine()) return;
    const timer = setTimeout(() => setLate(true), SHOW_AFTER_MS);
    onCleanup(() => clearTimeout(timer));
  });

  return (
    <section class="banner-place" aria-label={t().connection.connection} data-testid="connection" data-state={model.state()}>
      <Show when={isLate() && !isFine()}>
        <div class={`banner ${model.state()}`}>
          <span class="banner-dot" />
          <span role="status">{textOf(model.state())}</span>
          <Show when={model.state() !== "ended"}>
            <Retry />
          </Show>
        </div>
      </Show>
    </section>
  );
}

/** The seconds until the next attempt to connect, and a button that starts it now. */
function Retry() {
  const model = useModel();
  const [now, setNow] = createSignal(Date.now());
  const timer = setInterval(() => setNow(Date.now()), TICK_MS);
  onCleanup(() => clearInterval(timer));
  const seconds = () => Math.ceil((model.retryAt() - now()) / 1000);
  return (
    <>
      <Show when={seconds() > 0}>
        <span class="banner-countdown" aria-hidden="true" data-testid="retry-in">{t().connection.nextAttempt(seconds())}</span>
      </Show>
      <button type="button" class="text-button" data-testid="retry-now" onClick={() => model.client.wake()}>{t().connection.retryNow}</button>
    </>
  );
}
