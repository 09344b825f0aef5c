// Emoji and their shortcodes, such as `:tada:`. The list is large, so it is loaded when it is first needed.

export interface Emoji {
  emoji: string;
  shortcodes: readonly string[];
}

/** Emoji that are text by default need this to be shown in colour. */
const IN_COLOUR = "\uFE0F";
const SHOWN_MAX = 160;
/** A shortcode that ends where the text ends. */
const TYPED = /(?:^|\s):([a-z0-9_+-]{2,40}):$/;

let all: Promise<readonly Emoji[]> | undefined;

export function loadEmoji(): Promise<readonly Emoji[]> {
  all ??= import("emojibase-data/en/shortcodes/github.json").then(({ default: byCode }) => emojiOf(byCode));
  all.catch(() => (all = undefined)); // the next call tries again
  return all;
}

export function emojiOf(byCode: Readonly<Record<string, string | readonly string[]>>): Emoji[] {
  const all = Object.entries(byCode).map(([code, shortcodes]) => ({ emoji: emojiOfCode(code), shortcodes: [shortcodes].flat() }));
  return [...all.filter(isFace), ...all.filter((it) => !isFace(it))];
}

/** Faces are offered first. */
function isFace({ emoji }: Emoji): boolean {
  return /^[\u{1F600}-\u{1F64F}]/u.test(emoji);
}

function emojiOfCode(code: string): string {
  const text = String.fromCodePoint(...code.split("-").map((part) => Number.parseInt(part, 16)));
  const isText = !/\p{Emoji_Presentation}|\uFE0F|\u20E3/u.test(text) && [...text].length === 1;
  return isText ? text + IN_COLOUR : text;
}

/** Returns the emoji that a query finds, those first whose shortcode starts with it. */
export function searchEmoji(emoji: readonly Emoji[], query: string): Emoji[] {
  const wanted = query.trim().toLowerCase().replace(/^:|:$/g, "").replace(/\s+/g, "_");
  const starting = emoji.filter((it) => it.shortcodes.some((code) => code.startsWith(wanted)));
  const containing = emoji.filter((it) => it.shortcodes.some((code) => code.indexOf(wanted) > 0) && !starting.includes(it));
  return [...starting, ...containing].slice(0, SHOWN_MAX);
}

/** Returns the shortcode that the user has just completed, without its colons. */
export function typedShortcode(before: string): string | undefined {
  return TYPED.exec(before)?.[1];
}
