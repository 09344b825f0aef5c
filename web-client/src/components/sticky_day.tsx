// The day of the row at the top of the view, shown while the user scrolls.

import { createEffect, createSignal, on, onCleanup, Show } from "solid-js";
import { now } from "../browser/attention";
import { dayName } from "../logic/dates";
import { startsDay } from "../logic/grouping";
import type { Row } from "../logic/rows";

const SHOWN_MS = 1_500;

export function StickyDay(props: { rows: readonly Row[]; top: number | undefined }) {
  const [isShown, setShown] = createSignal(false);
  createEffect(on(() => props.top, () => {
    setShown(true);
    const timer = setTimeout(() => setShown(false), SHOWN_MS);
    onCleanup(() => clearTimeout(timer));
  }, { defer: true }));
  /** Returns the row, unless its own date is visible above it. */
  const row = () => {
    const at = props.top ?? 0;
    const row = props.rows[at];
    return isShown() && row && !startsDay(props.rows[at - 1], row) ? row : undefined;
  };
  return (
    <Show when={row()}>
      {(row) => (
        <div class="day sticky-day" aria-hidden="true" data-testid="sticky-day"><span>{dayName(row().sent_at, now())}</span></div>
      )}
    </Show>
  );
}
