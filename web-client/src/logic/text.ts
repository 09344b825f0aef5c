// Splits a message's text into plain text and links. Both become text nodes.

import { LinkifyIt, type Match } from "linkify-it";

export interface Part {
  text: string;
  href?: string;
}

const linkifier = new LinkifyIt({ fuzzyLink: true, fuzzyEmail: true });
const SCHEMES = ["http:", "https:", "mailto:"];
const HOST = /^[\p{L}\p{M}\p{N}._:[\]-]+$/u;
/** Controls of the writing direction. A link ends before them, because they could disguise where it leads. */
const DIRECTION = /([\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])/;

export function partsOf(text: string): Part[] {
  const parts = text.split(DIRECTION).flatMap(withLinks);
  return parts.reduce<Part[]>((joined, part) => {
    const last = joined.at(-1);
    if (!last || last.href || part.href) return [...joined, part];
    return [...joined.slice(0, -1), { text: last.text + part.text }];
  }, []);
}

function withLinks(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const match of linkifier.match(text) ?? []) {
    if (!isLink(match)) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: match.text, href: match.url });
    from = match.lastIndex;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

/** Without a scheme only `www.` is a link, because `readme.md` is a file. */
function isLink({ schema, text, url }: Match): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  if (protocol === "mailto:") return true;
  const isNamed = schema !== "" || /^www\./i.test(text);
  return isNamed && SCHEMES.includes(protocol) && HOST.test(hostname);
}
