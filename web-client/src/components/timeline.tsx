// The timeline: the loaded rows from the oldest to the newest, then unsent messages.
//
// The visible rows never jump. If the newest row is visible, the view follows new rows; otherwise it stays. Older
// pages are inserted above without moving the visible rows. Only rows that were visible count as read.

import { batch, createEffect, createMemo, createSignal, For, Match, on, onCleanup, onMount, Show, Switch } from "solid-js";
import type { Conversation } from "../../sdk";
import { isFocused } from "../browser/attention";
import { firstUnreadOf } from "../logic/conversations";
import { rowOfItem } from "../logic/pending";
import { folded } from "../logic/notices";
import { continuesRun } from "../logic/grouping";
import type { Row } from "../logic/window";
import { useModel } from "../state/model";
import { notify } from "../state/notes";
import type { ComposerTarget } from "./conversation_pane";
import { DownIcon } from "./icons";
import { PendingMessage } from "./pending_message";
import { TimelineRow } from "./timeline_row";
import { moveFocus } from "./timeline_keys";

const MORE_BEFORE_PX = 800;
const BOTTOM_PX = 60;

interface TimelineProps {
  conversation: Conversation;
  onTarget: (target: ComposerTarget) => void;
}

export function Timeline(props: TimelineProps) {
  const model = useModel();
  const id = props.conversation.id; // a new pane is created for each conversation
  const timeline = () => model.timelines.state[id];
  const rows = createMemo(() => visibleRows(timeline()?.rows ?? [], props.conversation.kind));
  const pending = createMemo(() => model.pending.in(id));
  const pendingRows = createMemo(() => pending().map((item) => rowOfItem(item, model.me.id)));
  const [isAtEnd, setAtEnd] = createSignal(true);
  const [isPositioned, setPositioned] = createSignal(false);
  const [seen, setSeen] = createSignal(0);
  const [active, setActive] = createSignal<number>();
  const [highlighted, setHighlighted] = createSignal<number>();
  const unreadAfter = props.conversation.unread > 0 ? props.conversation.read_seq : Infinity;
  const firstUnread = createMemo(() => firstUnreadOf(rows(), unreadAfter, model.me.id));
  let box!: HTMLDivElement;
  let content!: HTMLDivElement;

  let lastTop = 0;
  const below = () => box.scrollHeight - box.scrollTop - box.clientHeight;
  const isNearEnd = () => (timeline()?.reachedEnd ?? false) && below() < BOTTOM_PX;
  const scrollToEnd = () => (box.scrollTop = box.scrollHeight);

  function loadMore(): void {
    if (box.scrollTop < MORE_BEFORE_PX) void model.timelines.older(id, keepingPosition(() => box));
    if (below() < MORE_BEFORE_PX) void model.timelines.newer(id);
  }

  /** Records how far the user has seen: the last entry if the end is visible, otherwise the last visible row. */
  function recordSeen(): void {
    if (isPositioned()) setSeen(isNearEnd() ? (timeline()?.last_seq ?? 0) : lastVisible(box));
  }

  /** Tracks whether the view is at the end. Only scrolling up leaves the end; new rows do not. */
  function onScroll(): void {
    if (isNearEnd()) setAtEnd(true);
    else if (box.scrollTop < lastTop) setAtEnd(false);
    lastTop = box.scrollTop;
    loadMore();
    recordSeen();
  }

  async function goToNewest(): Promise<void> {
    if (!timeline()?.reachedEnd) await model.timelines.load(id).catch(() => undefined);
    setAtEnd(timeline()?.reachedEnd ?? false);
    scrollToEnd();
  }

  /** Scrolls to a message, and loads it from history if it is not in the window. */
  async function showRow(seq: number): Promise<void> {
    setAtEnd(false);
    const isThere = rowAt(box, seq) !== null;
    if (!isThere) await model.timelines.load(id, seq).catch(() => undefined);
    const row = rowAt(box, seq);
    if (!row) return notify("This message cannot be shown.");
    row.scrollIntoView({ block: "center", behavior: isThere ? "smooth" : "instant" });
    row.focus({ preventScroll: true });
    setHighlighted(undefined);
    setHighlighted(seq);
  }

  /** Hides the message actions when neither the focus nor the pointer is in the timeline. */
  function hideActions(): void {
    if (!box.contains(document.activeElement) && !box.matches(":hover")) setActive(undefined);
  }

  /** Sets the first scroll position: the end, or the first unread message if the unread ones do not fit. */
  function setInitialPosition(): void {
    scrollToEnd();
    const line = content.querySelector(".new-line");
    if (line && line.getBoundingClientRect().top < box.getBoundingClientRect().top) line.scrollIntoView();
    lastTop = box.scrollTop;
    batch(() => {
      setAtEnd(isNearEnd());
      setPositioned(true);
    });
    loadMore();
    recordSeen();
  }

  onMount(() => {
    const observer = new ResizeObserver(() => {
      if (isAtEnd()) scrollToEnd();
      loadMore();
      recordSeen();
    });
    observer.observe(box);
    observer.observe(content);
    onCleanup(() => observer.disconnect());
  });
  createEffect(on(() => timeline()?.status === "ready", (isReady) => (isReady ? setInitialPosition() : setPositioned(false))));
  createEffect(on(() => pending().length, (count, before) => before !== undefined && count > before && void goToNewest()));
  createEffect(on(() => timeline()?.last_seq, recordSeen, { defer: true }));
  createEffect(() => isFocused() && seen() > 0 && model.read(id, seen()));

  return (
    <div class="timeline-place">
      <div
        ref={box} class="timeline" data-testid="timeline" role="log" aria-label="Messages" tabIndex={0}
        aria-busy={timeline()?.status !== "ready"} onScroll={onScroll} onKeyDown={(event) => moveFocus(event, box)}
        onPointerOver={(event) => setActive(seqAt(event.target))}
        onPointerLeave={(event) => event.pointerType !== "touch" && setActive(undefined)}
        onFocusIn={(event) => setActive(seqAt(event.target))} onFocusOut={() => setTimeout(hideActions)}
      >
        <div ref={content} class="timeline-content">
          <TimelineStart
            status={timeline()?.status} reachedStart={timeline()?.reachedStart ?? false}
            isEmpty={rows().length + pending().length === 0} retry={() => void model.timelines.open(id)}
          />
          <For each={rows()}>
            {(row, at) => (
              <TimelineRow
                row={row} before={rows()[at() - 1]} after={rows()[at() + 1] ?? pendingRows()[0]}
                conversation={props.conversation} isActive={active() === row.seq} isHighlighted={highlighted() === row.seq}
                isFirstUnread={firstUnread() === row.seq} onTarget={props.onTarget} onShow={(seq) => void showRow(seq)}
              />
            )}
          </For>
          <For each={pending()}>
            {(item, at) => (
              <PendingMessage
                item={item} joinsPrevious={continuesRun(pendingRows()[at() - 1] ?? rows().at(-1), pendingRows()[at()])}
                joinsNext={continuesRun(pendingRows()[at()], pendingRows()[at() + 1])}
              />
            )}
          </For>
        </div>
      </div>
      <Show when={!isAtEnd()}>
        <button type="button" class="to-end" data-testid="to-end" onClick={() => void goToNewest()}>
          <span class="visually-hidden">Go to the newest message</span>
          <DownIcon />
          <Show when={props.conversation.unread > 0}>
            <span class="unread">{props.conversation.unread}</span>
          </Show>
        </button>
      </Show>
    </div>
  );
}

function TimelineStart(props: { status: string | undefined; reachedStart: boolean; isEmpty: boolean; retry: () => void }) {
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

/** Hides notices in a direct conversation, such as that its two members joined, and folds those of a group. */
function visibleRows(rows: Row[], kind: Conversation["kind"]): Row[] {
  return kind === "direct" ? rows.filter((row) => row.kind === "message") : folded(rows);
}

/** Keeps the visible rows in place while rows are inserted above them. */
function keepingPosition(box: () => HTMLElement): (insert: () => void) => void {
  return (insert) => {
    const fromEnd = box().scrollHeight - box().scrollTop;
    insert();
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

/** Returns the seq of the last row whose end is visible or above the visible part. */
function lastVisible(box: HTMLElement): number {
  const end = box.getBoundingClientRect().bottom;
  const rows = [...box.querySelectorAll<HTMLElement>("[data-seq]")];
  const last = rows.findLast((row) => row.getBoundingClientRect().bottom <= end);
  return Number(last?.dataset["seq"] ?? 0);
}
