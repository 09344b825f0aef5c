// Markup of whole lines in messages: code blocks, quotes and lists. Everything else is text, with all of its spaces.

import { type Inline, inlinesOf } from "./inline";

export type Block =
  | { kind: "text"; children: Inline[] }
  | { kind: "code"; text: string; language: string }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; start: number | undefined; items: Block[][] };

/** Quotes and lists in each other, at most. Deeper markers are text. */
const DEPTH_MAX = 4;
const FENCE = /^ {0,3}```([\w+#.-]*)[^\S\n]*$/;
const FENCE_END = /^ {0,3}```[^\S\n]*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^ {0,3}(?:[-*+•]|(\d{1,9})[.)])[^\S\n]+(?=\S)/;
const INDENT = /^(?: {1,4}|\t)/;

export function blocksOf(text: string): Block[] {
  return blocksOfLines(text.replaceAll("\r\n", "\n").split("\n"), 0);
}

function blocksOfLines(lines: readonly string[], depth: number): Block[] {
  const blocks: Block[] = [];
  const lastFence = lines.findLastIndex((line) => FENCE_END.test(line));
  let plain: string[] = [];

  const endText = () => {
    const first = plain.findIndex((line) => line.trim() !== "");
    const last = plain.findLastIndex((line) => line.trim() !== "");
    if (first >= 0) blocks.push({ kind: "text", children: inlinesOf(plain.slice(first, last + 1).join("\n")) });
    plain = [];
  };

  for (let at = 0; at < lines.length; ) {
    const found = (at < lastFence ? codeAt(lines, at) : undefined) ?? nestedAt(lines, at, depth);
    if (found) {
      endText();
      blocks.push(found.block);
      at = found.end;
    } else {
      plain.push(lines[at] as string);
      at += 1;
    }
  }
  endText();
  return blocks;
}

interface Found {
  block: Block;
  /** The index of the first line after the block. */
  end: number;
}

function codeAt(lines: readonly string[], at: number): Found | undefined {
  const language = FENCE.exec(lines[at] as string)?.[1];
  if (language === undefined) return undefined;
  let end = at + 1;
  while (!FENCE_END.test(lines[end] as string)) end += 1; // the caller knows that there is one
  return { block: { kind: "code", text: lines.slice(at + 1, end).join("\n"), language }, end: end + 1 };
}

/** Returns a quote or a list, which contain blocks of their own. */
function nestedAt(lines: readonly string[], at: number, depth: number): Found | undefined {
  return depth < DEPTH_MAX ? (quoteAt(lines, at, depth) ?? listAt(lines, at, depth)) : undefined;
}

function quoteAt(lines: readonly string[], at: number, depth: number): Found | undefined {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end] as string)) end += 1;
  if (end === at) return undefined;
  const quoted = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return { block: { kind: "quote", blocks: blocksOfLines(quoted, depth + 1) }, end };
}

function listAt(lines: readonly string[], at: number, depth: number): Found | undefined {
  const first = ITEM.exec(lines[at] as string);
  if (!first) return undefined;
  const isNumbered = first[1] !== undefined;
  const items: Block[][] = [];
  let end = at;
  for (;;) {
    const item = ITEM.exec(lines[end] ?? "");
    if (!item || (item[1] !== undefined) !== isNumbered) break;
    const inner = [(lines[end] as string).slice(item[0].length)];
    for (end += 1; INDENT.test(lines[end] ?? "") && (lines[end] as string).trim() !== ""; end += 1) {
      inner.push((lines[end] as string).replace(INDENT, ""));
    }
    items.push(blocksOfLines(inner, depth + 1));
  }
  return { block: { kind: "list", start: isNumbered ? Number(first[1]) : undefined, items }, end };
}

/** Returns the text as it reads without its markup, on one line, for quotes and previews. */
export function plainText(text: string): string {
  return blocksOf(text).map(plainBlock).join(" ").replace(/\s+/g, " ").trim();
}

function plainBlock(block: Block): string {
  switch (block.kind) {
    case "text":
      return block.children.map(plainInline).join("");
    case "code":
      return block.text;
    case "quote":
      return block.blocks.map(plainBlock).join(" ");
    case "list":
      return block.items.flatMap((item) => item.map(plainBlock)).join(", ");
  }
}

function plainInline(inline: Inline): string {
  return "text" in inline ? inline.text : inline.children.map(plainInline).join("");
}

const EMOJI = /^(?:\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3|(?:\p{Emoji_Presentation}|\p{Emoji}\uFE0F)\p{Emoji_Modifier}?[\u{E0020}-\u{E007F}]*(?:\u200D\p{Emoji}\uFE0F?\p{Emoji_Modifier}?)*|\p{Emoji_Modifier_Base}\p{Emoji_Modifier})$/u;
const BIG_MAX = 3;
const BIG_UNITS_MAX = 100;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Returns true for a text of one to three emoji and nothing else, which is shown large. */
export function isBigEmoji(text: string): boolean {
  if (text.length > BIG_UNITS_MAX) return false;
  const shown = [...graphemes.segment(text)].map(({ segment }) => segment).filter((segment) => segment.trim() !== "");
  return shown.length >= 1 && shown.length <= BIG_MAX && shown.every((segment) => EMOJI.test(segment));
}

const LONG_UNITS = 1_500;
const LONG_LINES = 24;

/** Returns true for a text that is folded until the reader asks for more. */
export function isLong(text: string): boolean {
  return text.length > LONG_UNITS || text.split("\n", LONG_LINES + 1).length > LONG_LINES;
}
