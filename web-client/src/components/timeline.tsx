// The timeline: the loaded rows from the oldest to the newest, then unsent messages. Only rows near the view are in
// the document.
//
// The visible rows never jump. If the newest row is visible, the view follows new rows; otherwise it stays. Older
// pages are inserted above without moving the visible rows. Only rows that were visible count as read.

import { batch, createEffect, createMemo, createSignal, on, onCleanup, onMount, Show, untrack } from "solid-js";
import { Virtualizer, type VirtualizerHandle } from "virtua/solid";
import type { Conversation } from "../../sdk/index";
import { isFocused } from "../browser/attention";
import { searchUnread, type UnreadSearch } from "../logic/conversations";
import { itemKeys } from "../logic/pending_rows";
import { indexFrom } from "../logic/rows";
import { reachesHead } from "../logic/window";
import { useModel } from "../state/model_context";
import { notify } from "../state/notes";
import { t } from "../text/language";
import type { ComposerTarget } from "./conversation_pane";
import { createSettled } from "./settled";
import { StickyDay } from "./sticky_day";
import { focusTarget } from "./timeline_keys";
import { TimelineItem } from "./timeline_item";
import { START_PX, TimelineStart } from "./timeline_start";
import { ToEnd } from "./to_end";

const MORE_BEFORE_PX = 1_200;
const BOTTOM_PX = 60;
/** Rows this far from the view are in the document, so that scrolling shows no empty space. */
const BUFFER_PX = 800;
/** Frames in which the first rows are measured. */
const POSITIONING_FRAMES = 3;

interface TimelineProps {
  conversation: Conversation;
  onTarget: (target: ComposerTarget) => void;
}

export function Timeline(props: TimelineProps) {
  const model = useModel();
  const id = props.conversation.id; // a new pane is created for each conversation
  const timeline = () => model.timelines.of(id);
  const rows = createMemo(() => model.timelines.rows(id));
  const pending = createMemo(() => model.pending.in(id));
  const keys = createMemo(() => itemKeys(rows(), pending(), model.pending.arrivedIn(id)));
  const isReady = () => timeline()?.status === "ready";
  /** A memo, so that a new row of the same window does not set the first scroll position again. */
  const generation = createMemo(() => (isReady() ? timeline()?.generation : undefined));
  const reachesEnd = () => isReady() && reachesHead(timeline()?.window as never);
  const [isAtEnd, setAtEnd] = createSignal(true);
  const [isPositioned, setPositioned] = createSignal(false);
  const [seen, setSeen] = createSignal(0);
  const [top, setTop] = createSignal<number>();
  /** The seq of the first row near the view. */
  const [near, setNear] = createSignal<number>();
  const [active, setActive] = createSignal<number>();
  const [highlighted, setHighlighted] = createSignal<number>();
  const search = createMemo<UnreadSearch>((last) => searchUnread(last, rows(), model.me.id), {
    first: undefined, hasAnswered: false, upTo: props.conversation.unread > 0 ? props.conversation.read_seq : Infinity,
  });
  const firstUnread = createSettled(() => search().first);
  /**
   * The rows that stay in the document wherever the view is. At the end these are all rows near the view: the list drops those
   * above it while it scrolls down, and would make twenty rows again after each new one.
   */
  const kept = createMemo(() => {
    const kept = [active(), highlighted()].filter((seq) => seq !== undefined).map((seq) => indexFrom(rows(), seq));
    const first = isAtEnd() ? near() : undefined;
    if (first !== undefined) for (let at = indexFrom(rows(), first); at < keys().length; at += 1) kept.push(at);
    return kept;
  });
  const prepend = { isRunning: false };
  let isJumping = false;
  let list: VirtualizerHandle | undefined;
  let box!: HTMLDivElement;
  let content!: HTMLDivElement;

  /** Where the view was and how high, at the last scroll event. */
  let last = { top: 0, height: 0 };
  const below = () => box.scrollHeight - box.scrollTop - box.clientHeight;
  const isNearEnd = () => reachesEnd() && below() < BOTTOM_PX;
  const look = () => (last = { top: box.scrollTop, height: box.clientHeight });
  const scrollToEnd = () => (box.scrollTop = box.scrollHeight);

  function loadMore(): void {
    if (!isPositioned()) return;
    if (box.scrollTop < MORE_BEFORE_PX) void model.timelines.older(id, prepending);
    if (below() < MORE_BEFORE_PX) void model.timelines.newer(id);
  }

  /** Tells the list that rows are added at its start, so that it keeps the visible ones in place. */
  function prepending(put: () => void): void {
    prepend.isRunning = true;
    put();
    prepend.isRunning = false;
  }

  /** Records how far the user has seen: the last entry if the end is visible, otherwise the last visible row. */
  function recordSeen(): void {
    if (isPositioned()) setSeen(isNearEnd() ? (timeline()?.window.last_seq ?? 0) : lastVisible(box));
  }

  /** Records the place of the view for the next time, and returns the index of the row at its top. */
  function recordPlace(): number | undefined {
    if (!list || !isPositioned()) return undefined;
    const at = list.findItemIndex(box.scrollTop);
    const seq = rows()[at]?.seq;
    const above_px = box.scrollTop - START_PX - list.getItemOffset(at);
    setNear(rows()[list.findItemIndex(box.scrollTop - BUFFER_PX)]?.seq);
    model.timelines.keepPlace(id, isAtEnd() || seq === undefined ? undefined : { seq, above_px });
    return at;
  }

  /** Tracks whether the view is at the end. Only scrolling up leaves the end; new rows and a taller view do not. */
  function onScroll(): void {
    if (!isPositioned()) return;
    // In one batch: at the end, all rows from the first one near the view are kept, so that row must not be an earlier one.
    batch(() => {
      if (isNearEnd()) setAtEnd(true);
      else if (box.scrollTop < last.top && box.clientHeight === last.height) setAtEnd(false);
      look();
      setTop(recordPlace());
    });
    loadMore();
    recordSeen();
  }

  async function goToNewest(): Promise<void> {
    if (!reachesEnd()) await jump(() => model.timelines.jumpTo(id));
    batch(() => {
      setAtEnd(reachesEnd());
      scrollToEnd();
      recordPlace(); // the scroll event comes later, when the conversation may be closed
    });
  }

  /** Scrolls to a message, and loads it from history if it is not in the window. */
  async function showRow(seq: number): Promise<void> {
    setAtEnd(false);
    const isNear = rowAt(box, seq) !== null;
    if (rows()[indexFrom(rows(), seq)]?.seq !== seq) await jump(() => model.timelines.jumpTo(id, seq));
    const at = indexFrom(rows(), seq);
    if (rows()[at]?.seq !== seq) return notify(t().timeline.notShown, id);
    setHighlighted(undefined);
    setHighlighted(seq);
    list?.scrollToIndex(at, { align: "center", smooth: isNear && !matchMedia("(prefers-reduced-motion: reduce)").matches });
    rowAt(box, seq)?.focus({ preventScroll: true });
  }

  /** Replaces the window without setting the first scroll position, because the caller sets another one. */
  async function jump(load: () => Promise<void>): Promise<void> {
    isJumping = true;
    await load().catch(() => undefined);
    isJumping = false;
  }

  /** Hides the message actions when neither the focus nor the pointer is in the timeline. */
  function hideActions(): void {
    if (!box.contains(document.activeElement) && !box.matches(":hover")) setActive(undefined);
  }

  function moveFocus(event: KeyboardEvent): void {
    if (event.target instanceof Element && event.target.closest("dialog")) return;
    const isOnRow = document.activeElement !== box && document.activeElement !== null;
    const seq = focusTarget(event, rows(), isOnRow ? seqAt(document.activeElement as Element) : undefined);
    if (seq === undefined) return;
    event.preventDefault();
    setActive(seq); // puts the row into the document
    rowAt(box, seq)?.focus();
  }

  /** Sets the first scroll position: where the user was, the first unread message, or the end. */
  function setInitialPosition(): void {
    const place = model.timelines.placeOf(id);
    const seq = place?.seq ?? search().first;
    const newest = timeline()?.window.last_seq ?? 0;
    setPositioned(false);
    if (!isJumping) {
      setAtEnd(seq === undefined);
      if (seq === undefined) scrollToEnd();
      else list?.scrollToIndex(indexFrom(rows(), seq), { align: "start", offset: place?.above_px ?? 0 });
    }
    afterFrames(POSITIONING_FRAMES, () => {
      look();
      batch(() => {
        setPositioned(true);
        // Rows that arrive while the first ones are measured do not move the end away from the user.
        setAtEnd(isNearEnd() || (reachesEnd() && lastVisible(box) >= newest));
      });
      if (isAtEnd()) scrollToEnd();
      loadMore();
      recordSeen();
      recordPlace();
    });
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
  onMount(() => model.timelines.wanted()?.conversation !== id && model.timelines.want(undefined));
  createEffect(() => {
    const wanted = model.timelines.wanted();
    if (wanted?.conversation !== id || !isPositioned()) return;
    model.timelines.want(undefined);
    untrack(() => void showRow(wanted.seq));
  });
  createEffect(on(generation, (current) => (current ? setInitialPosition() : setPositioned(false))));
  const ownPending = () => pending().filter((item) => !item.isFromOtherTab).length;
  createEffect(on(ownPending, (count, before) => before !== undefined && count > before && !isAtEnd() && void goToNewest()));
  // With the next frame, which calculates the layout anyway.
  createEffect(on(() => timeline()?.window.last_seq, () => afterFrames(1, recordSeen), { defer: true }));
  createEffect(() => isFocused() && seen() > 0 && model.read(id, seen()));

  return (
    <div class="timeline-place">
      <div
        ref={box} class="timeline" data-testid="timeline" role="log" aria-label={t().timeline.messages} tabIndex={0}
        aria-busy={!isReady()} onScroll={onScroll} onKeyDown={moveFocus}
        onPointerOver={(event) => setActive(seqAt(event.target))}
        onPointerLeave={(event) => event.pointerType !== "touch" && setActive(undefined)}
        onFocusIn={(event) => setActive(seqAt(event.target))} onFocusOut={() => setTimeout(hideActions)}
      >
        <div ref={content} class="timeline-content">
          <TimelineStart
            status={timeline()?.status} reachedStart={timeline()?.window.reachedStart ?? false}
            isEmpty={pending().length === 0 && !rows().some((row) => row.kind === "message" || props.conversation.kind === "group")}
            retry={() => void model.timelines.open(id)}
          />
          <Show when={generation()} keyed>
            <Virtualizer
              ref={(handle) => (list = handle)} data={keys()} shift={prepend.isRunning} scrollRef={box} startMargin={START_PX}
              bufferSize={BUFFER_PX} keepMounted={kept()}
            >
              {(key) => (
                <TimelineItem
                  key={key} rows={rows()} pending={pending()} conversation={props.conversation} active={active()}
                  highlighted={highlighted()} firstUnread={firstUnread()} onTarget={props.onTarget} onShow={(seq) => void showRow(seq)}
                />
              )}
            </Virtualizer>
          </Show>
        </div>
      </div>
      <StickyDay rows={rows()} top={top()} />
      <Show when={!isAtEnd()}>
        <ToEnd unread={props.conversation.unread} onClick={() => void goToNewest()} />
      </Show>
    </div>
  );
}

/** Calls `work` after some frames have been drawn, unless the owner has ended. */
function afterFrames(count: number, work: () => void): void {
  let isEnded = false;
  onCleanup(() => (isEnded = true));
  const next = (left: number): unknown => !isEnded && requestAnimationFrame(() => (left > 1 ? next(left - 1) : isEnded || work()));
  next(count);
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
  const seqs = [...box.querySelectorAll<HTMLElement>("[data-seq]")]
    .filter((row) => row.getBoundingClientRect().bottom <= end)
    .map((row) => Number(row.dataset["seq"]));
  return Math.max(0, ...seqs);
}
