// Markup within a line: code, links, bold, italic and strikethrough. It becomes a tree, which is shown without HTML.
//
// The cost grows with the length of the text alone. A general Markdown parser needs 11 seconds for a hostile message
// of 16 KB, in which each reader's page would stand still.

import { partsOf } from "./text";

export type Inline =
  | { kind: "text" | "code"; text: string }
  | { kind: "link"; text: string; href: string }
  | { kind: "strong" | "em" | "del"; children: Inline[] };

/** What each marker means, from the outside to the inside. */
const STYLES: Record<string, readonly ("strong" | "em" | "del")[]> = {
  "*": ["em"], "**": ["strong"], "***": ["strong", "em"], _: ["em"], __: ["strong"], ___: ["strong", "em"], "~~": ["del"],
};
const TOKENS = /\\([*_~])|\n[^\S\n]*\n|\*+|_+|~+/g;
/** A letter or digit of a script that puts spaces between words. */
const WORD = /[^\P{L}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|\p{N}/u;

/** A style that has begun and may end. */
interface Open {
  marker: string;
  children: Inline[];
}

export function inlinesOf(text: string): Inline[] {
  const stack: Open[] = [{ marker: "", children: [] }];
  for (const { isCode, text: part } of codeSpans(text)) {
    if (isCode) push(stack, { kind: "code", text: part });
    else for (const piece of partsOf(part)) addPiece(stack, piece);
  }
  closeDownTo(stack, 0);
  return stack[0]?.children ?? [];
}

function addPiece(stack: Open[], { text, href }: { text: string; href?: string }): void {
  if (href === undefined) return addText(stack, text);
  const link = text.replace(/[*_~]+$/, "");
  const cut = text.length - link.length;
  push(stack, { kind: "link", text: link, href: cut > 0 ? href.slice(0, -cut) : href });
  addText(stack, text.slice(link.length));
}

function addText(stack: Open[], text: string): void {
  let from = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [token, escaped] = match;
    push(stack, { kind: "text", text: text.slice(from, match.index) });
    from = match.index + token.length;
    if (escaped !== undefined) push(stack, { kind: "text", text: escaped });
    else if (token.startsWith("\n")) endParagraph(stack, token);
    else addMarker(stack, token, text.slice(0, match.index), text.slice(from, from + 2));
  }
  push(stack, { kind: "text", text: text.slice(from) });
}

function endParagraph(stack: Open[], lines: string): void {
  closeDownTo(stack, 0);
  push(stack, { kind: "text", text: lines });
}

/** Begins or ends a style if the marker touches the text of the style and no word on its other side. */
function addMarker(stack: Open[], marker: string, before: string, after: string): void {
  const last = lastCharacter(before) ?? lastShown(stack);
  const next = after ? String.fromCodePoint(after.codePointAt(0) as number) : "";
  const at = stack.findIndex((open) => open.marker === marker);
  if (at > 0 && !/^\s?$/.test(last) && !WORD.test(next)) return endStyle(stack, at);
  const mayOpen = STYLES[marker] !== undefined && at < 0 && !/^\s$/.test(next) && !WORD.test(last);
  if (mayOpen) stack.push({ marker, children: [] });
  else push(stack, { kind: "text", text: marker });
}

function endStyle(stack: Open[], at: number): void {
  closeDownTo(stack, at);
  const { marker, children } = stack.pop() as Open;
  const nested = (STYLES[marker] ?? []).reduceRight<Inline[]>((inner, kind) => [{ kind, children: inner }], children);
  nested.forEach((inline) => push(stack, inline));
}

/** Turns the styles above `at` that have not ended into text. At most one of each marker is open, so this is cheap. */
function closeDownTo(stack: Open[], at: number): void {
  while (stack.length > at + 1) {
    const { marker, children } = stack.pop() as Open;
    push(stack, { kind: "text", text: marker });
    children.forEach((inline) => push(stack, inline));
  }
}

function push(stack: Open[], inline: Inline): void {
  const children = stack.at(-1)?.children as Inline[];
  const last = children.at(-1);
  if (inline.kind === "text" && last?.kind === "text") children[children.length - 1] = { kind: "text", text: last.text + inline.text };
  else if (inline.kind !== "text" || inline.text !== "") children.push(inline);
}

function lastCharacter(text: string): string | undefined {
  return /.$/su.exec(text.slice(-2))?.[0];
}

/** Returns the last character before the current text: a style or a link ends there, or a line begins. */
function lastShown(stack: Open[]): string {
  const open = stack.at(-1) as Open;
  const last = open.children.at(-1);
  if (last) return "text" in last ? (lastCharacter(last.text) ?? "") : ".";
  return "";
}

/** Splits a text at its code spans. Only spans of three or more backticks may contain line breaks. */
function codeSpans(text: string): { isCode: boolean; text: string }[] {
  const runs = [...text.matchAll(/`+/g)].map((match) => ({ at: match.index, length: match[0].length }));
  const nextByLength = new Map<number, number>();
  const next: (number | undefined)[] = [];
  for (let run = runs.length - 1; run >= 0; run -= 1) {
    const { length } = runs[run] as (typeof runs)[number];
    next[run] = nextByLength.get(length);
    nextByLength.set(length, run);
  }
  const spans: { isCode: boolean; text: string }[] = [];
  let from = 0;
  for (let run = 0; run < runs.length; run += 1) {
    const { at, length } = runs[run] as (typeof runs)[number];
    const end = next[run];
    const content = end === undefined ? "" : text.slice(at + length, runs[end]?.at);
    if (end === undefined || (length < 3 && content.includes("\n"))) continue;
    spans.push({ isCode: false, text: text.slice(from, at) }, { isCode: true, text: codeOf(content) });
    from = (runs[end]?.at ?? 0) + length;
    run = end;
  }
  return [...spans, { isCode: false, text: text.slice(from) }];
}

/** Removes one space at both ends, which is needed around code that begins or ends with a backtick. */
function codeOf(content: string): string {
  return /^ .*\S.* $/s.test(content) ? content.slice(1, -1) : content;
}
