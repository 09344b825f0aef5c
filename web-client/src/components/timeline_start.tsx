// What is above the first row: the start of the conversation, or that older messages are being loaded.

import { Match, Switch } from "solid-js";
import { t } from "../text/language";
import { Skeleton } from "./skeleton";

/** The height of everything above the rows, with the padding around the rows. The style sheet has the same height. */
export const START_PX = 64;

export function TimelineStart(props: { status: string | undefined; reachedStart: boolean; isEmpty: boolean; retry: () => void }) {
  return (
    <div class="beginning">
      <Switch>
        <Match when={props.status === "failed"}>
          <p>{t().timeline.notLoaded}</p>
          <button type="button" class="button" onClick={() => props.retry()}>{t().page.tryAgain}</button>
        </Match>
        <Match when={props.status === "ready" && props.isEmpty}>
          <p>{t().timeline.empty}</p>
        </Match>
        <Match when={props.reachedStart}>
          <p>{t().timeline.start}</p>
        </Match>
        <Match when={props.status !== "ready"}>
          <Skeleton kind="messages" count={6} testid="timeline-loading" />
        </Match>
        <Match when={true}>
          <span class="spinner" aria-label={t().page.loading} role="img" />
        </Match>
      </Switch>
    </div>
  );
}
