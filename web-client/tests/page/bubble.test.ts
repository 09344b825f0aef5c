import { expect, it } from "vitest";
import { type Extent, linesOf, widthOf } from "../../src/logic/bubble";

const parts = { lines: [200.2, 120], meta: 60, isMetaBesideText: true, others: [] };

it("bubble is as wide as its longest line, or its last line with the time", () => {
  expect(widthOf(parts)).toBe(201);
  expect(widthOf({ ...parts, lines: [200, 180] })).toBe(240);
});

it("bubble whose time is on a line of its own is as wide as its text", () => {
  expect(widthOf({ ...parts, lines: [190], isMetaBesideText: false })).toBe(190);
  expect(widthOf({ ...parts, lines: [20], isMetaBesideText: false })).toBe(60);
});

it("bubble has room for its quote and its files", () => {
  expect(widthOf({ ...parts, others: [280, 90] })).toBe(280);
});

it("parts of a line in two directions are one line", () => {
  const part = (left: number, right: number, top: number): Extent => ({ left, right, top, bottom: top + 18 });
  const lines = linesOf([part(10, 90, 0), part(90, 150, 1), part(10, 60, 22)]);
  expect(lines.map(({ left, right }) => right - left)).toEqual([140, 50]);
  expect(linesOf([])).toEqual([]);
});
