import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "vite";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../sdk/index";
import { ar as arFirst } from "../../src/text/ar";
import { arMore } from "../../src/text/ar_more";
import { de as deFirst } from "../../src/text/de";
import { deMore } from "../../src/text/de_more";
import { en as enFirst } from "../../src/text/en";
import { enMore } from "../../src/text/en_more";
import { es as esFirst } from "../../src/text/es";
import { esMore } from "../../src/text/es_more";
import { LANGUAGES, languageOfSystem } from "../../src/text/language";
import { isolated, languageOf, piecesOf, unmarked } from "../../src/text/sentence";

const en = { ...enFirst, ...enMore };
const ar = { ...arFirst, ...arMore };
const OTHERS = { es: { ...esFirst, ...esMore }, de: { ...deFirst, ...deMore }, ar };
/** Names and signs that some languages share with English. */
const SHARED = ["Name", "Online", "Admin", "admin", "3–32", "@"];

type Tree = { readonly [key: string]: unknown };

function leaves(tree: Tree, path = ""): [string, unknown][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "object" && value !== null ? leaves(value as Tree, `${path}${key}.`) : [[path + key, value] as [string, unknown]],
  );
}

/** Returns a text as it is shown. Numbers are tried with each form of the plural. */
function shown(value: unknown): string[] {
  if (typeof value !== "function") return [String(value)];
  const isCount = /count|seconds/.test(String(value).split("=>")[0] ?? "");
  const samples = isCount ? [[0], [1], [2], [3], [11], [100]] : [["Ada", "Grace"]];
  return samples.map((sample) => unmarked(String((value as (...all: unknown[]) => unknown)(...sample))));
}

describe("languages", () => {
  const keys = leaves(en).map(([key]) => key);

  it("every language of the page has a catalogue", () => {
    expect(Object.keys(LANGUAGES).sort()).toEqual(["en", ...Object.keys(OTHERS)].sort());
  });

  it.each(Object.entries(OTHERS))("%s has every text, and translates it", (_, texts) => {
    const all = leaves(texts).filter(([key]) => !key.startsWith("refusal.errors."));
    expect(all.map(([key]) => key)).toEqual(keys);
    const english = new Map(leaves(en));
    const same = all.filter(([key, value]) => shown(value).join() === shown(english.get(key)).join());
    const untranslated = same.filter(([, value]) => !SHARED.includes(String(value)) && typeof value !== "function");
    expect(untranslated).toEqual([]);
  });

  it.each(Object.entries(OTHERS))("%s explains every error of the gateway", (_, texts) => {
    expect(Object.keys(texts.refusal.errors).sort()).toEqual([...ERROR_CODES].sort());
  });

  it.each(Object.entries({ en, ...OTHERS }))("%s writes every text with its names and numbers", (_, texts) => {
    for (const [key, value] of leaves(texts)) {
      for (const text of shown(value)) expect(text, key).toMatch(/\S/);
      for (const text of shown(value)) expect(text, key).not.toMatch(/undefined|NaN|#|\[object/);
      if (typeof value === "function" && !/count|seconds/.test(String(value).split("=>")[0] ?? "")) {
        expect(shown(value)[0], key).toContain("Ada");
      }
    }
  });

  it("plural follows the rules of the language", () => {
    expect([1, 2].map(en.header.memberCount)).toEqual(["Only you", "2 members"]);
    expect([1, 2, 3, 11, 100].map((count) => ar.header.memberCount(count).replace(/[\d\u0660-\u0669]+/, "#"))).toEqual([
      "أنت فقط", "عضوان", "# أعضاء", "# عضوًا", "# عضو",
    ]);
  });

  it("language of the system is the first one that the page has", () => {
    expect(languageOfSystem(["fr-FR", "de-AT", "en"])).toBe("de");
    expect(languageOfSystem(["fr"])).toBe("en");
    expect(languageOfSystem([])).toBe("en");
  });
});

describe("names in sentences", () => {
  const { s } = languageOf("en");

  it("name is isolated and cannot reorder the sentence", () => {
    const sentence = s`Block ${"\u202eabc\u2069"}?`;
    expect(sentence).toBe("Block \u2068abc\u2069?");
    expect(piecesOf(sentence)).toEqual([
      { text: "Block ", isIsolated: false },
      { text: "abc", isIsolated: true },
      { text: "?", isIsolated: false },
    ]);
  });

  it("names of a list stay isolated from each other", () => {
    const list = `${isolated("Ada")} and ${isolated("שלום")}`;
    expect(piecesOf(s`You added ${list}`).filter((piece) => piece.isIsolated).map(({ text }) => text)).toEqual(["Ada", "שלום"]);
  });
});

interface Node {
  type: string;
  [key: string]: unknown;
}

const SRC = join(import.meta.dirname, "..", "..", "src");
const SPOKEN = ["aria-label", "title", "placeholder", "alt", "label", "hint", "confirm", "lead"];
/** Attributes that are for the browser or for tests. */
const MACHINE = ["class", "classList", "type", "data-testid", "data-state", "data-kind", "role", "d", "viewBox", "rel", "autocomplete", "icon", "name", "dir"];
const KEYS = /^(Enter|Escape|Tab|Home|End|Arrow(Up|Down|Left|Right)|Confab|Ctrl|Shift|Esc|SecurityError)$/;
const isWords = (text: string) => text.trim() !== "Confab" && /\p{L}{2,}/u.test(text);
/** A sentence, or a word with a capital letter: not an identifier. */
const isProse = (text: string) => !KEYS.test(text.replace(/[^\p{L}]/gu, "")) && (/^\p{Lu}\p{Ll}/u.test(text) || /\p{L} \p{L}|\p{L}…/u.test(text));

/** Returns the texts of a module that are not in a catalogue. */
function literals(node: unknown, attribute = ""): string[] {
  if (Array.isArray(node)) return node.flatMap((each) => literals(each, attribute));
  if (typeof node !== "object" || node === null) return [];
  const it = node as Node;
  switch (it.type) {
    case "ImportDeclaration":
    case "ImportExpression":
    case "TSLiteralType":
      return [];
    case "NewExpression":
      return /Error$/.test(String((it["callee"] as Node)["name"])) ? [] : literals(it["arguments"], attribute);
    case "JSXAttribute": {
      const name = String((it["name"] as Node)["name"]);
      return MACHINE.includes(name) ? [] : literals(it["value"], name);
    }
    case "BinaryExpression": // a comparison shows nothing
      return [];
    case "JSXText":
      return isWords(String(it["value"])) ? [String(it["value"]).trim()] : [];
    case "Literal": {
      const text = String(it["value"]);
      const isShown = typeof it["value"] === "string" && (SPOKEN.includes(attribute) ? isWords(text) : isProse(text));
      return isShown ? [text] : [];
    }
    case "TemplateElement": {
      const text = String((it["value"] as { cooked?: string }).cooked);
      return isProse(text) ? [text] : [];
    }
    default:
      return Object.values(it).flatMap((value) => literals(value, attribute));
  }
}

describe("texts of the components", () => {
  it("finds texts that are written into a component", () => {
    const found = (code: string) => literals(parseSync("x.tsx", code).program);
    expect(found('const x = <p title="Hello">Say it</p>;')).toEqual(["Hello", "Say it"]);
    expect(found("notify(`You left ${title}`); notify(on ? \"Copied.\" : \"typing…\");")).toEqual(["You left ", "Copied.", "typing…"]);
    expect(found('const y = <p class="button wide" data-testid="some-id">{t().list.empty}</p>; if (key === "Enter") go("top");')).toEqual([]);
  });

  it("no text is written into a component, but into the catalogues", () => {
    const files = ["components", "state", "logic"].flatMap((folder) =>
      readdirSync(join(SRC, folder), { recursive: true, withFileTypes: true })
        .filter((file) => file.isFile())
        .map((file) => join(file.parentPath, file.name)),
    );
    const found = files.flatMap((file) => literals(parseSync(file, readFileSync(file, "utf8")).program).map((text) => `${file}: ${text}`));
    expect(found).toEqual([]);
  });
});
