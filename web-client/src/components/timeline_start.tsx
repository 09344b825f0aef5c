// What is above the first row: the start of the conversation, or that older messages are being loaded.

import { Match, Switch } from "solid-js";

/** The height of everything above the rows, with the padding around the rows. The style sheet has the same height. */
export const START_PX = 64;

export function TimelineStart(props: { status: string | undefined; reachedStart: boolean; isEmpty: boolean; retry: () => void }) {
  return (
    <div class="beginning">
      <Switch>
        <Match when={props.status === "failed"}>
          <p>The messages could not be loaded.</p>
          <button type="button" class="button" onClick={() => props.retry()}>Try again</button>
        </Match>
        <Match when={props.status === "ready" && props.isEmpty}>
          <p>No messages yet. Say hello.</p>
        </Match>
        <Match when={props.reachedStart}>
          <p>This is the start of the conversation.</p>
        </Match>
        <Match when={true}>
          <span class="spinner" aria-label="Loading" role="img" />
        </Match>
      </Switch>
    </div>
  );
}
