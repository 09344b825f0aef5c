// The button that goes to the newest message, with the number of unread ones.

import { Show } from "solid-js";
import { t } from "../text/language";
import { DownIcon } from "./more_icons";

export function ToEnd(props: { unread: number; onClick: () => void }) {
  return (
    <button type="button" class="to-end" data-testid="to-end" onClick={() => props.onClick()}>
      <span class="visually-hidden">{t().timeline.toNewest}</span>
      <DownIcon />
      <Show when={props.unread > 0}>
        <span class="unread">{props.unread}</span>
      </Show>
    </button>
  );
}
