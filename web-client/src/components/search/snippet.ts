// The part of a message that a search shows: the first place that was found, and what is around it.

export interface SnippetPart {
  text: string;
  isFound: boolean;
}

/** In UTF-16 code units, like the places that were found. */
const BEFORE_MAX = 32;
const LENGTH_MAX = 180;
const LEFT_OUT = "…";

/** Splits the part of a text around the first found place into what was found and what was not. */
export function snippetOf(text: string, highlights: readonly number[][]): SnippetPart[] {
  const start = startOf(text, highlights[0]?.[0] ?? 0);
  const end = wholeCharacters(text, Math.min(text.length, start + LENGTH_MAX));
  const parts: SnippetPart[] = [];
  let at = start;
  const add = (to: number, isFound: boolean) => {
    if (to > at) parts.push({ text: text.slice(at, to), isFound });
    at = Math.max(at, to);
  };
  for (const [from = 0, to = 0] of highlights) {
    add(Math.min(from, end), false);
    add(Math.min(to, end), true);
  }
  add(end, false);
  if (start > 0) parts.unshift({ text: LEFT_OUT, isFound: false });
  if (end < text.length) parts.push({ text: LEFT_OUT, isFound: false });
  return parts;
}

/** Returns where the snippet starts: at the text's start, or at a word shortly before the found place. */
function startOf(text: string, found: number): number {
  if (found <= BEFORE_MAX) return 0;
  const earliest = found - BEFORE_MAX;
  const space = text.slice(earliest, found).search(/\s/);
  return space < 0 ? wholeCharacters(text, earliest) : earliest + space + 1;
}

/** Moves a place that is inside a surrogate pair behind it. */
function wholeCharacters(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text.charAt(at)) ? at + 1 : at;
}
