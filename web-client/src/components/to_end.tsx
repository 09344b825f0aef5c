// The button that goes to the newest message, with the number of unread ones.

import { Show } from "solid-js";
import { DownIcon } from "./icons";

export function ToEnd(props: { unread: number; onClick: () => void }) {
  return (
    <button type="button" class="to-end" data-testid="to-end" onClick={() => props.onClick()}>
      <span class="visually-hidden">Go to the newest message</span>
      <DownIcon />
      <Show when={props.unread > 0}>
        <span class="unread">{props.unread}</span>
      </Show>
    </button>
  );
}
