// Grey shapes in place of what is being loaded. They appear only if that takes a moment.

import { For } from "solid-js";
import { t } from "../text/language";
import "../styles/skeleton.css";

interface SkeletonProps {
  kind: "people" | "messages" | "lines";
  count: number;
  testid: string;
}

export function Skeleton(props: SkeletonProps) {
  return (
    <div class="loading" role="status" data-testid={props.testid}>
      <span class="visually-hidden">{t().page.loading}</span>
      <ul class={`skeletons of-${props.kind}`} aria-hidden="true">
        <For each={Array.from({ length: props.count })}>{() => <li class="skeleton" />}</For>
      </ul>
    </div>
  );
}
