// What works after the first screen is shown: shortcuts and what they open, invites, alerts, the keyboard of a phone, and the
// service worker.

import { createSignal, Match, onCleanup, Show, Switch } from "solid-js";
import { goTo, invited } from "../browser/route";
import { startAlerts } from "../state/alerting";
import { useModel } from "../state/model_context";
import { followKeyboard } from "./keyboard";
import { later } from "./later";
import { type Shortcut, shortcutOf } from "./shortcuts";

const QuickSwitcher = later(async () => (await import("./quick_switcher")).QuickSwitcher);
const ShortcutSheet = later(async () => (await import("./shortcut_sheet")).ShortcutSheet);
const InviteDialog = later(async () => (await import("./invites/invite_dialog")).InviteDialog);
const DeveloperDrawer = later(async () => (await import("./developer_drawer")).DeveloperDrawer);

export function Overlays(_: { onClose: () => void }) {
  const [shown, setShown] = createSignal<Shortcut>();
  /** Closes a part, unless another one was opened before the dialog reported that it is closed. */
  const close = (part: Shortcut) => setShown((now) => (now === part ? undefined : now));

  function pressed(event: KeyboardEvent): void {
    const shortcut = shortcutOf(event);
    if (!shortcut) return;
    event.preventDefault();
    setShown((before) => (before === shortcut ? undefined : shortcut));
  }
  onCleanup(startAlerts(useModel()));
  onCleanup(followKeyboard());
  addEventListener("keydown", pressed);
  navigator.serviceWorker?.register("./sw.js").catch(() => undefined); // the page works without it, but not offline
  onCleanup(() => removeEventListener("keydown", pressed));

  return (
    <>
      <Show when={invited()} keyed>
        {(code) => <InviteDialog code={code} onClose={() => goTo(undefined)} />}
      </Show>
      <Switch>
        <Match when={shown() === "switcher"}>
          <QuickSwitcher onClose={() => close("switcher")} />
        </Match>
        <Match when={shown() === "shortcuts"}>
          <ShortcutSheet onClose={() => close("shortcuts")} />
        </Match>
        <Match when={shown() === "developer"}>
          <DeveloperDrawer onClose={() => close("developer")} />
        </Match>
      </Switch>
    </>
  );
}
