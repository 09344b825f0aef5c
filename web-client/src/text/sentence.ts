// Builds sentences of one language: with names whose direction of writing changes nothing around them, numbers and plurals.

const ISOLATE = "\u2068";
const END = "\u2069";
/** Controls of the writing direction, with which a name could reorder the sentence around it. */
const CONTROLS = /[\u202a-\u202e\u2066-\u2069]/g;

export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

export interface Language {
  /** A template for sentences. Texts in it are isolated, and numbers are written in the language's digits. */
  s(parts: TemplateStringsArray, ...values: (string | number)[]): string;
  /** Returns the form for a number, with the number in place of `#`. */
  plural(count: number, forms: Forms): string;
}

export function languageOf(locale: string): Language {
  const rules = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  const shown = (value: string | number) => (typeof value === "number" ? numbers.format(value) : isolated(value));
  return {
    s: (parts, ...values) => parts.reduce((text, part, at) => text + shown(values[at - 1] as string | number) + part),
    plural: (count, forms) => (forms[rules.select(count)] ?? forms.other).replace("#", numbers.format(count)),
  };
}

/** A text in which all names are isolated already, such as a list of names. */
const MARKED = /^(?:\u2068[^\u202a-\u202e\u2066-\u2069]*\u2069[^\u202a-\u202e\u2066-\u2069]*)+$/;

/** Marks a text as one whose direction is its own. A list of marked names is kept. */
export function isolated(text: string): string {
  return MARKED.test(text) ? text : ISOLATE + text.replace(CONTROLS, "") + END;
}

export interface Piece {
  text: string;
  isIsolated: boolean;
}

/** Splits a sentence into its own words and the isolated texts in it. */
export function piecesOf(sentence: string): Piece[] {
  return sentence
    .split(/(\u2068[^\u2069]*\u2069)/)
    .map((text) => ({ text: unmarked(text), isIsolated: text.startsWith(ISOLATE) }))
    .filter((piece) => piece.text !== "");
}

/** Returns the sentence without its marks, for labels that are only read aloud. */
export function unmarked(sentence: string): string {
  return sentence.replace(CONTROLS, "");
}
