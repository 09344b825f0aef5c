// A dot that shows the presence of a user. It watches the user only while the dot is on the screen.

import { createEffect, createSignal, onCleanup } from "solid-js";
import { now } from "../browser/attention";
import { lastSeen } from "../logic/format";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import { watchView } from "./in_view";

export function PresenceDot(props: { user: string }) {
  const model = useModel();
  const [isShown, setShown] = createSignal(false);
  let dot!: HTMLSpanElement;

  watchView(() => dot, setShown);
  createEffect(() => {
    if (isShown()) onCleanup(model.client.watch.hold(props.user));
  });

  const presence = () => model.people.presence(props.user);
  const status = () => presence()?.status ?? "unknown";
  return (
    <span
      ref={dot} class={`presence ${status()}`} role="img" data-testid="presence" data-user={props.user}
      data-status={status()} aria-label={unmarked(lastSeen(presence(), now())) || t().presence.unknown}
    />
  );
}
