// The search of the fake server. It finds words like the real one, in languages with spaces between words.

import type { FakeLog, FakeText, FakeUser } from "./testing_log.js";

const LIMIT = 50;
const LINK = /https?:\/\/\S/i;
const WORD = /[\p{L}\p{N}\p{M}_]+/gu;

interface Word {
  folded: string;
  start: number;
  end: number;
}

/** Words that follow each other. The last one may go on if `isPrefix`. */
interface Clause {
  words: string[];
  isPrefix: boolean;
}

/** Answers `GET /v1/search`. */
export function searchFake(log: FakeLog, user: FakeUser, query: URLSearchParams): object {
  const clauses = clausesOf(query.get("q") ?? "");
  if (!["q", "sender", "has"].some((name) => query.has(name))) throw new Error("invalid");
  if (query.has("q") && clauses.length === 0) return { items: [], next_cursor: null };
  const conversation = query.get("conversation");
  const texts = conversation === null ? log.textsOf(user) : log.textsIn(conversation, user);
  const newestFirst = texts.toSorted((a, b) => (BigInt(a.id) < BigInt(b.id) ? 1 : -1));
  const found = newestFirst.filter((it) => isWanted(it, query)).flatMap((entry) => {
    const highlights = find(entry.text, clauses);
    return highlights ? [{ conversation: entry.conversation, entry, highlights }] : [];
  });
  const limit = Number(query.get("limit") ?? LIMIT);
  const items = found.slice(0, limit);
  return { items, next_cursor: found.length > limit ? items.at(-1)?.entry.id : null };
}

function isWanted(entry: FakeText, query: URLSearchParams): boolean {
  const [sender, has, cursor] = ["sender", "has", "cursor"].map((name) => query.get(name));
  return (
    (!sender || entry.sender === sender) &&
    (has !== "link" || LINK.test(entry.text)) &&
    (!cursor || BigInt(entry.id) < BigInt(cursor)) &&
    isBetween(entry.sent_at, query.get("after"), query.get("before"))
  );
}

function isBetween(sent_at: string, after: string | null, before: string | null): boolean {
  const at = Date.parse(sent_at);
  return (after === null || at > Date.parse(after)) && (before === null || at < Date.parse(before));
}

/** Reads a query. The last word may go on, unless a closing quotation mark follows. */
function clausesOf(query: string): Clause[] {
  const sections = query.split(/["“”„]/u);
  return sections.flatMap((section, at) => {
    const isLast = at === sections.length - 1;
    const pieces = at % 2 === 1 ? [section] : section.split(/\s+/u).filter(Boolean);
    return pieces
      .map((piece, nth) => ({ words: wordsOf(piece).map(({ folded }) => folded), isPrefix: isLast && nth === pieces.length - 1 }))
      .filter(({ words }) => words.length > 0);
  });
}

/** Returns where a text has the clauses, ascending, or undefined if it lacks one of them. */
function find(text: string, clauses: Clause[]): number[][] | undefined {
  const words = wordsOf(text);
  const places = clauses.map((clause) => placesOf(clause, words));
  if (places.some((found) => found.length === 0)) return undefined;
  return withoutOverlaps(places.flat());
}

function placesOf({ words: wanted, isPrefix }: Clause, words: Word[]): [number, number][] {
  return words.flatMap((first, at): [number, number][] => {
    const part = words.slice(at, at + wanted.length);
    const last = wanted.length - 1;
    const isFound = wanted.every((it, nth) => (isPrefix && nth === last ? part[nth]?.folded.startsWith(it) : part[nth]?.folded === it));
    return isFound ? [[first.start, part[last]?.end ?? first.end]] : [];
  });
}

function withoutOverlaps(places: [number, number][]): number[][] {
  const merged: [number, number][] = [];
  for (const [start, end] of places.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last && start < last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** Returns the words of a text without case and accents. */
function wordsOf(text: string): Word[] {
  return [...text.matchAll(WORD)].map(({ 0: word, index }) => ({
    folded: word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase(),
    start: index,
    end: index + word.length,
  }));
}
