import { describe, expect, it } from "vitest";
import { inlinesOf } from "../../src/logic/inline";
import { blocksOf, isBigEmoji, isLong, plainText } from "../../src/logic/markdown";

/** Writes a tree in short: `strong(bold em(both))`. */
const shown = (text: string): string => inlinesOf(text).map(short).join("");
const short = (it: ReturnType<typeof inlinesOf>[number]): string =>
  it.kind === "text" ? it.text : `${it.kind}(${"text" in it ? it.text : it.children.map(short).join("")})`;

describe("markup within a line", () => {
  it.each([
    ["**bold** and *italic* and ~~gone~~", "strong(bold) and em(italic) and del(gone)"],
    ["__bold__ and _italic_", "strong(bold) and em(italic)"],
    ["***both***", "strong(em(both))"],
    ["**bold *and* more**", "strong(bold em(and) more)"],
    ["(*a*)", "(em(a))"],
    ["**重要**请看", "strong(重要)请看"],
    ["use `a*b*c` here", "use code(a*b*c) here"],
    ["`` a`b ``", "code(a`b)"],
    ["**https://example.com/a_b_c**", "strong(link(https://example.com/a_b_c))"],
    ["*one\ntwo*", "em(one\ntwo)"],
  ])("%j is styled", (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it.each([
    "2 * 3 * 4", "2*3*4", "snake_case_name", "** not bold **", "**open", "*a\n\nb*", "`open", "`a\nb`", "a ~ b ~ c", "~~~", "****", "<b>&amp;</b>",
  ])("%j stays as it is", (text) => {
    expect(shown(text)).toBe(text);
  });

  it("escaped marker is shown", () => {
    expect(shown("\\*not italic\\* ¯\\_(ツ)_/¯")).toBe("*not italic* ¯_(ツ)_/¯");
  });
});

describe("markup of lines", () => {
  it("text keeps its spaces and empty lines", () => {
    expect(blocksOf("  indented\n\n\nlast")).toEqual([{ kind: "text", children: [{ kind: "text", text: "  indented\n\n\nlast" }] }]);
  });

  it("code block keeps its text, whatever is in it", () => {
    const code = "  let *x* = `1`;\n\n> no quote\n- no list";
    expect(blocksOf(`before\n\`\`\`rust\n${code}\n\`\`\`\nafter`)).toEqual([
      { kind: "text", children: [{ kind: "text", text: "before" }] },
      { kind: "code", text: code, language: "rust" },
      { kind: "text", children: [{ kind: "text", text: "after" }] },
    ]);
  });

  it("code block without an end is text", () => {
    expect(plainText("```\nlet x")).toBe("``` let x");
    expect(blocksOf("```\nlet x").map(({ kind }) => kind)).toEqual(["text"]);
  });

  it("quotes and lists contain each other", () => {
    expect(blocksOf("> said\n> - one\n> - two\n\nanswer")).toMatchObject([
      { kind: "quote", blocks: [{ kind: "text" }, { kind: "list", start: undefined, items: [[{ kind: "text" }], [{ kind: "text" }]] }] },
      { kind: "text", children: [{ text: "answer" }] },
    ]);
    expect(blocksOf("3. three\n4. four\n   more\n   - inner")).toMatchObject([
      { kind: "list", start: 3, items: [[{ kind: "text" }], [{ kind: "text" }, { kind: "list" }]] },
    ]);
  });

  it("line is text when it only looks like a list", () => {
    for (const text of ["-", "- ", "-5 degrees", "1.5 litres", "2026. ", "#hash"]) {
      expect(blocksOf(text).map(({ kind }) => kind).join(), text).toBe("text");
    }
  });

  it("deep nesting ends in text", () => {
    let block = blocksOf(">".repeat(16_000))[0];
    let depth = 0;
    for (; block?.kind === "quote"; depth += 1) block = block.blocks[0];
    expect(depth).toBe(4);
    expect(block?.kind).toBe("text");
  });

  it("hostile text of the largest size keeps all of its characters", () => {
    for (const part of ["**a *b ", "_a", "`", "``a`", "~~a ", "*_~~a ", "\u202e", " \n", "- a\n 1. b\n"]) {
      const text = part.repeat(Math.floor(16_384 / part.length));
      const letters = (it: string) => it.replace(/[^ab]/g, "").length;
      expect(letters(plainText(text)), part).toBe(letters(text));
    }
  });
});

describe("size of a message", () => {
  it.each(["👍", "👨‍👩‍👧", "❤️", "🇩🇪🇫🇷", "👍🏽 👍", "1️⃣", "☺️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])("%s is shown large", (text) => expect(isBigEmoji(text)).toBe(true));
  it.each(["", " ", "1", "#", "©", "a👍", "👍👍👍👍", "🙂!"])("%j is not shown large", (text) => expect(isBigEmoji(text)).toBe(false));

  it("text is folded when it has many characters or many lines", () => {
    expect([isLong("a".repeat(1_500)), isLong("a".repeat(1_501))]).toEqual([false, true]);
    expect([isLong("a\n".repeat(23)), isLong("a\n".repeat(24))]).toEqual([false, true]);
  });
});
