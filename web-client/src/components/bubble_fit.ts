// Makes the bubble of a message as narrow as its lines. CSS cannot: a box whose text wraps is as wide as it may be, also if
// each of its lines is shorter.

import { createEffect, on, onCleanup, onMount } from "solid-js";
import { linesOf, widthOf } from "../logic/bubble";

let sizes: ResizeObserver | undefined;
const changed = new Set<HTMLElement>();

/**
 * Fits the bubble of a row when the row gets its size, and when `changes` does not stay the same. The height of the row is
 * the same with and without it, so the rows around it do not move.
 */
export function fitBubble(row: () => HTMLElement, changes: () => unknown): void {
  onMount(() => {
    const element = row();
    sizes ??= new ResizeObserver((entries) => fitAll(entries.map(({ target }) => target)));
    sizes.observe(element);
    onCleanup(() => {
      sizes?.unobserve(element);
      changed.delete(element);
    });
  });
  createEffect(on(changes, () => fitSoon(row()), { defer: true }));
}

/** Fits a row before it is painted, together with others that have changed. */
function fitSoon(row: HTMLElement): void {
  if (changed.size === 0) queueMicrotask(() => fitAll([...changed]));
  changed.add(row);
}

/** Reads all widths before the first is set, so that the browser calculates the layout only once. */
function fitAll(rows: readonly Element[]): void {
  changed.clear();
  const bubbles = rows.flatMap((row) => row.querySelector<HTMLElement>(".bubble") ?? []);
  for (const bubble of bubbles) bubble.style.removeProperty("width");
  const widths = bubbles.map(neededWidth);
  bubbles.forEach((bubble, at) => widths[at] && bubble.style.setProperty("width", widths[at]));
}

/** Returns the width of a bubble, or undefined if it is right by itself. */
function neededWidth(bubble: HTMLElement): string | undefined {
  const text = bubble.querySelector(":scope > span.message-text");
  const meta = bubble.querySelector(":scope > .message-meta");
  if (!text || !meta) return undefined;
  const lines = linesOf([...text.getClientRects()]);
  const last = lines.at(-1);
  const isMetaBesideText = last !== undefined && meta.getBoundingClientRect().top < last.bottom;
  if (lines.length <= 1 && isMetaBesideText) return undefined;
  const width = widthOf({
    lines: lines.map(({ left, right }) => right - left),
    meta: widthWithMargins(meta),
    isMetaBesideText,
    others: [...bubble.querySelectorAll(PARTS)].map(contentWidth),
  });
  return `${width + paddingOf(bubble)}px`;
}

const PARTS = ":scope > .message-sender, :scope > .quote, :scope > .attached";
/** Files of a message have their own widths. All others have that of their words. */
const FILES = ".attached-images, .file-card, audio, video";

function contentWidth(part: Element): number {
  const files = [...part.querySelectorAll(FILES)];
  if (files.length > 0) return Math.max(...files.map((file) => widthOfChildren(file)));
  const words = document.createRange();
  words.selectNodeContents(part);
  return Math.max(0, ...linesOf([...words.getClientRects()]).map(({ left, right }) => right - left)) + paddingOf(part);
}

function widthOfChildren(file: Element): number {
  const images = file.matches(".attached-images") ? [...file.children] : [file];
  const rects = images.map((image) => image.getBoundingClientRect());
  return Math.max(...rects.map(({ right }) => right)) - Math.min(...rects.map(({ left }) => left));
}

const pixels = (style: CSSStyleDeclaration, ...names: string[]): number => names.reduce((sum, name) => sum + (parseFloat(style.getPropertyValue(name)) || 0), 0);

const paddingOf = (element: Element): number =>
  pixels(getComputedStyle(element), "padding-left", "padding-right", "border-left-width", "border-right-width");

const widthWithMargins = (element: Element): number =>
  element.getBoundingClientRect().width + pixels(getComputedStyle(element), "margin-left", "margin-right");
