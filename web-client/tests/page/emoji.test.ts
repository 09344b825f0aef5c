import { expect, it } from "vitest";
import { emojiOf, loadEmoji, searchEmoji, typedShortcode } from "../../src/logic/emoji";

it("emoji that are text by default are shown in colour", () => {
  const all = emojiOf({ "2764": "heart", "1F389": ["tada", "party"], "1F1E9-1F1EA": "de", "1F600": "grinning" });
  expect(all.map(({ emoji }) => emoji)).toEqual(["😀", "❤\uFE0F", "🎉", "🇩🇪"]);
});

it("search finds shortcodes that start with the query first", async () => {
  const all = await loadEmoji();
  expect(all.length).toBeGreaterThan(1_500);
  expect(searchEmoji(all, ":tada:")[0]?.emoji).toBe("🎉");
  const codes = searchEmoji(all, "Heart").map((it) => it.shortcodes[0] ?? "");
  expect(codes[0]?.startsWith("heart")).toBe(true);
  expect(codes).toContain("green_heart");
  expect(searchEmoji(all, "no such emoji")).toEqual([]);
});

it("shortcode counts when its second colon is typed after a space", () => {
  expect([":tada:", "so :+1:"].map(typedShortcode)).toEqual(["tada", "+1"]);
  expect(["10:30:", "http://a:", ":tada", "::", ": a:", ":a b:"].map(typedShortcode)).toEqual(Array(6).fill(undefined));
});
