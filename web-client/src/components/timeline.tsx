// The timeline: rows from the oldest loaded one to the newest, then what is still on its way.
//
// Nothing jumps: while the newest row is in sight the view follows it, else it stays where it is, and
// older pages are put in above without moving what one looks at. Only what was in sight counts as read.

import { batch, createEffect, createMemo, createSignal, For, Match, on, onCleanup, onMount, Show, Switch } from "solid-js";
import type { Conversation } from "../../sdk";
import { attentive } from "../browser/attention";
import { firstUnreadOf } from "../logic/conversations";
import { rowOfItem } from "../logic/pending";
import { continuesRun } from "../logic/place";
import type { Row } from "../logic/window";
import { useModel } from "../state/model";
import { note } from "../state/notes";
import type { Aim } from "./conversation_pane";
import { DownIcon } from "./icons";
import { PendingMessage } from "./pending_message";
import { TimelineRow } from "./timeline_row";
import { moveFocus } from "./timeline_keys";

const MORE_BEFORE_PX = 800;
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
  const pendingRows = createMemo(() => pending().map((item) => rowOfItem(item, model.me.id)));
  const [isAtEnd, setAtEnd] = createSignal(true);
  const [isPlaced, setPlaced] = createSignal(false);
  const [seen, setSeen] = createSignal(0);
  const [active, setActive] = createSignal<number>();
  const [pointedAt, setPointedAt] = createSignal<number>();
  const unreadAfter = props.conversation.unread > 0 ? props.conversation.read_seq : Infinity;
  const firstUnread = createMemo(() => firstUnreadOf(rows(), unreadAfter, model.me.id));
  let box!: HTMLDivElement;
  let content!: HTMLDivElement;

  let lastTop = 0;
  const below = () => box.scrollHeight - box.scrollTop - box.clientHeight;
  const isNearEnd = () => (timeline()?.reachedEnd ?? false) && below() < BOTTOM_PX;
  const toEnd = () => (box.scrollTop = box.scrollHeight);

  function grow(): void {
    if (box.scrollTop < MORE_BEFORE_PX) void model.timelines.older(id, keepingPlace(() => box));
    if (below() < MORE_BEFORE_PX) void model.timelines.newer(id);
  }

  /** Notes how far down one has seen: to the last entry of all at the end, else to the last row in sight. */
  function look(): void {
    if (isPlaced()) setSeen(isNearEnd() ? (timeline()?.last_seq ?? 0) : lastInSight(box));
  }

  /** Only going up leaves the end: what comes in below meanwhile does not. */
  function scrolled(): void {
    if (isNearEnd()) setAtEnd(true);
    else if (box.scrollTop < lastTop) setAtEnd(false);
    lastTop = box.scrollTop;
    grow();
    look();
  }

  async function toNewest(): Promise<void> {
    if (!timeline()?.reachedEnd) await model.timelines.load(id).catch(() => undefined);
    setAtEnd(timeline()?.reachedEnd ?? false);
    toEnd();
  }

  /** Brings a message into sight, from history where the window does not have it. */
  async function showRow(seq: number): Promise<void> {
    setAtEnd(false);
    const isThere = rowAt(box, seq) !== null;
    if (!isThere) await model.timelines.load(id, seq).catch(() => undefined);
    const row = rowAt(box, seq);
    if (!row) return note("This message cannot be shown.");
    row.scrollIntoView({ block: "center", behavior: isThere ? "smooth" : "instant" });
    row.focus({ preventScroll: true });
    setPointedAt(undefined);
    setPointedAt(seq);
  }

  /** The actions of a message go when neither the focus nor the pointer is in the timeline. */
  function leftBehind(): void {
    if (!box.contains(document.activeElement) && !box.matches(":hover")) setActive(undefined);
  }

  /** Opens at the first unread message where the unread ones do not fit. */
  function place(): void {
    toEnd();
    const line = content.querySelector(".new-line");
    if (line && line.getBoundingClientRect().top < box.getBoundingClientRect().top) line.scrollIntoView();
    lastTop = box.scrollTop;
    batch(() => {
      setAtEnd(isNearEnd());
      setPlaced(true);
    });
    grow();
    look();
  }

  onMount(() => {
    const observer = new ResizeObserver(() => {
      if (isAtEnd()) toEnd();
      grow();
      look();
    });
    observer.observe(box);
    observer.observe(content);
    onCleanup(() => observer.disconnect());
  });
  createEffect(on(() => timeline()?.status === "ready", (isReady) => (isReady ? place() : setPlaced(false))));
  createEffect(on(() => pending().length, (count, before) => before !== undefined && count > before && void toNewest()));
  createEffect(on(() => timeline()?.last_seq, look, { defer: true }));
  createEffect(() => attentive() && seen() > 0 && model.read(id, seen()));

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
                row={row} before={rows()[at() - 1]} after={rows()[at() + 1] ?? pendingRows()[0]}
                conversation={props.conversation} isActive={active() === row.seq} isPointedAt={pointedAt() === row.seq}
                isFirstUnread={firstUnread() === row.seq} onAim={props.onAim} onShow={(seq) => void showRow(seq)}
              />
            )}
          </For>
          <For each={pending()}>
            {(item, at) => (
              <PendingMessage
                item={item} continues={continuesRun(pendingRows()[at() - 1] ?? rows().at(-1), pendingRows()[at()])}
                goesOn={continuesRun(pendingRows()[at()], pendingRows()[at() + 1])}
              />
            )}
          </For>
        </div>
      </div>
      <Show when={!isAtEnd()}>
        <button type="button" class="to-end" data-testid="to-end" aria-label="To the newest message" onClick={() => void toNewest()}>
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

function rowAt(box: HTMLElement, seq: number): HTMLElement | null {
  return box.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
}

/** The last row whose end is in sight, or above. */
function lastInSight(box: HTMLElement): number {
  const end = box.getBoundingClientRect().bottom;
  const rows = [...box.querySelectorAll<HTMLElement>("[data-seq]")];
  const last = rows.findLast((row) => row.getBoundingClientRect().bottom <= end);
  return Number(last?.dataset["seq"] ?? 0);
}
