// What works after the first screen is shown: what shortcuts open, invites, alerts, the keyboard of a phone, the
// report that the user is away, and the service worker.

import { Match, onCleanup, type Setter, Show, Switch } from "solid-js";
import { reportAway } from "../browser/away";
import { goTo, invited } from "../browser/route";
import { startAlerts } from "../state/alerting";
import { useModel } from "../state/model_context";
import { followKeyboard } from "./keyboard";
import { later } from "./later";
import type { Shortcut } from "./shortcuts";

const QuickSwitcher = later(async () => (await import("./quick_switcher")).QuickSwitcher);
const ShortcutSheet = later(async () => (await import("./shortcut_sheet")).ShortcutSheet);
const InviteDialog = later(async () => (await import("./invites/invite_dialog")).InviteDialog);
const DeveloperDrawer = later(async () => (await import("./developer_drawer")).DeveloperDrawer);

interface OverlaysProps {
  shown: Shortcut | undefined;
  setShown: Setter<Shortcut | undefined>;
  onClose: () => void;
}

export function Overlays(props: OverlaysProps) {
  /** Closes a part, unless another one was opened before the dialog reported that it is closed. */
  const close = (part: Shortcut) => props.setShown((now) => (now === part ? undefined : now));

  const model = useModel();
  onCleanup(startAlerts(model));
  onCleanup(reportAway((on) => model.client.away(on)));
  onCleanup(followKeyboard());
  navigator.serviceWorker?.register("./sw.js").catch(() => undefined); // the page works without it, but not offline

  return (
    <>
      <Show when={invited()} keyed>
        {(code) => <InviteDialog code={code} onClose={() => goTo(undefined)} />}
      </Show>
      <Switch>
        <Match when={props.shown === "switcher"}>
          <QuickSwitcher onClose={() => close("switcher")} />
        </Match>
        <Match when={props.shown === "shortcuts"}>
          <ShortcutSheet onClose={() => close("shortcuts")} />
        </Match>
        <Match when={props.shown === "developer"}>
          <DeveloperDrawer onClose={() => close("developer")} />
        </Match>
      </Switch>
    </>
  );
}
