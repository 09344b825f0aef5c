// The timeline: rows from the oldest loaded one to the newest, then what is still on its way.
//
// Nothing jumps: while the newest row is in sight the view follows it, else it stays where it is, and
// older pages are put in above without moving what one looks at.

import { createEffect, createMemo, createSignal, For, Match, on, onCleanup, onMount, Show, Switch } from "solid-js";
import type { Conversation } from "../../sdk";
import { attentive } from "../browser/attention";
import type { Row } from "../logic/window";
import { useModel } from "../state/model";
import type { Aim } from "./conversation_pane";
import { DownIcon } from "./icons";
import { PendingMessage } from "./pending_message";
import { TimelineRow } from "./timeline_row";
import { moveFocus } from "./timeline_keys";

const OLDER_BEFORE_PX = 800;
const BOTTOM_PX = 60;

interface TimelineProps {
  conversation: Conversation;
  onAim: (aim: Aim) => void;
}

export function Timeline(props: TimelineProps) {
  const model = useModel();
  const id = props.conversation.id; // the pane is made anew for each conversation
  const timeline = () => model.timelines.state[id];
  const rows = createMemo(() => shown(timeline()?.rows ?? [], props.conversation.kind));
  const pending = createMemo(() => model.pending.in(id));
  const [isAtEnd, setAtEnd] = createSignal(true);
  const [active, setActive] = createSignal<number>();
  const unreadAfter = props.conversation.unread > 0 ? props.conversation.read_seq : Infinity;
  const firstUnread = createMemo(
    () => rows().find((row) => row.seq > unreadAfter && row.kind === "message" && row.sender !== model.me.id)?.seq,
  );
  let box!: HTMLDivElement;
  let content!: HTMLDivElement;

  let lastTop = 0;
  const isNearEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < BOTTOM_PX;
  const toEnd = () => (box.scrollTop = box.scrollHeight);
  const older = () => model.timelines.older(id, keepingPlace(() => box));

  /** Only going up leaves the end: what comes in below meanwhile does not. */
  function scrolled(): void {
    if (isNearEnd()) setAtEnd(true);
    else if (box.scrollTop < lastTop) setAtEnd(false);
    lastTop = box.scrollTop;
    if (box.scrollTop < OLDER_BEFORE_PX) void older();
  }

  /** The actions of a message go when neither the focus nor the pointer is in the timeline. */
  function leftBehind(): void {
    if (!box.contains(document.activeElement) && !box.matches(":hover")) setActive(undefined);
  }

  /** Opens at the first unread message where the unread ones do not fit. */
  function showUnread(): void {
    toEnd();
    const line = content.querySelector(".new-line");
    if (line && line.getBoundingClientRect().top < box.getBoundingClientRect().top) line.scrollIntoView();
    setAtEnd(isNearEnd());
    lastTop = box.scrollTop;
  }

  onMount(() => {
    const observer = new ResizeObserver(() => {
      if (isAtEnd()) toEnd();
      if (box.scrollTop < OLDER_BEFORE_PX) void older();
    });
    observer.observe(box);
    observer.observe(content);
    onCleanup(() => observer.disconnect());
  });
  createEffect(on(() => timeline()?.status === "ready", (isReady) => isReady && showUnread()));
  createEffect(on(() => pending().length, (count, before) => count > (before ?? 0) && (setAtEnd(true), toEnd())));
  createEffect(() => {
    const last_seq = timeline()?.last_seq ?? 0;
    if (attentive() && isAtEnd() && last_seq > 0) model.conversations.read(id, last_seq);
  });

  return (
    <div class="timeline-place">
      <div
        ref={box} class="timeline" data-testid="timeline" role="log" aria-label="Messages" tabIndex={0}
        aria-busy={timeline()?.status !== "ready"} onScroll={scrolled} onKeyDown={(event) => moveFocus(event, box)}
        onPointerOver={(event) => setActive(seqAt(event.target))}
        onPointerLeave={(event) => event.pointerType !== "touch" && setActive(undefined)}
        onFocusIn={(event) => setActive(seqAt(event.target))} onFocusOut={() => setTimeout(leftBehind)}
      >
        <div ref={content} class="timeline-content">
          <Beginning
            status={timeline()?.status} reachedStart={timeline()?.reachedStart ?? false}
            isEmpty={rows().length + pending().length === 0} retry={() => void model.timelines.open(id)}
          />
          <For each={rows()}>
            {(row, at) => (
              <TimelineRow
                row={row} before={rows()[at() - 1]} after={rows()[at() + 1]} conversation={props.conversation}
                isActive={active() === row.seq} isFirstUnread={firstUnread() === row.seq}
                onAim={props.onAim} onShow={(seq) => showRow(box, seq)}
              />
            )}
          </For>
          <For each={pending()}>{(item) => <PendingMessage item={item} />}</For>
        </div>
      </div>
      <Show when={!isAtEnd()}>
        <button type="button" class="to-end" data-testid="to-end" aria-label="To the newest message" onClick={toEnd}>
          <DownIcon />
          <Show when={props.conversation.unread > 0}>
            <span class="unread">{props.conversation.unread}</span>
          </Show>
        </button>
      </Show>
    </div>
  );
}

function Beginning(props: { status: string | undefined; reachedStart: boolean; isEmpty: boolean; retry: () => void }) {
  return (
    <div class="beginning">
      <Switch>
        <Match when={props.status === "failed"}>
          <p>The messages could not be loaded.</p>
          <button type="button" class="button" onClick={() => props.retry()}>Try again</button>
        </Match>
        <Match when={props.status === "ready" && props.isEmpty}>
          <p>Nothing here yet. Say hello.</p>
        </Match>
        <Match when={props.reachedStart}>
          <p>This is where it begins.</p>
        </Match>
        <Match when={true}>
          <span class="spinner" aria-label="Loading" role="img" />
        </Match>
      </Switch>
    </div>
  );
}

/** That two people joined their direct conversation goes without saying. */
function shown(rows: Row[], kind: Conversation["kind"]): Row[] {
  return kind === "direct" ? rows.filter((row) => row.kind === "message") : rows;
}

/** Keeps what is in sight where it is while rows are put in above it. */
function keepingPlace(box: () => HTMLElement): (put: () => void) => void {
  return (put) => {
    const fromEnd = box().scrollHeight - box().scrollTop;
    put();
    box().scrollTop = box().scrollHeight - fromEnd;
  };
}

function seqAt(target: EventTarget): number | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>("[data-seq]") : null;
  return row ? Number(row.dataset["seq"]) : undefined;
}

function showRow(box: HTMLElement, seq: number): void {
  const row = box.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
  row?.scrollIntoView({ block: "center", behavior: "smooth" });
  row?.focus({ preventScroll: true });
}

