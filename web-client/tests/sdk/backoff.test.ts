import { expect, it } from "vitest";
import { delayMs, patientDelayMs, spreadMs } from "../../sdk/backoff";

const backoff = { first_ms: 1_000, max_ms: 30_000 };

it("doubles up to its bound, anywhere below it", () => {
  expect([0, 1, 2, 3, 10].map((n) => delayMs(backoff, n, 1))).toEqual([1_000, 2_000, 4_000, 8_000, 30_000]);
  expect(delayMs(backoff, 3, 0.25)).toBe(2_000);
});

it("keeps to the upper half where an early attempt cannot help", () => {
  expect([0, 1].map((chance) => patientDelayMs(backoff, 1, chance))).toEqual([1_000, 2_000]);
});

it("never comes earlier than asked", () => {
  expect([0, 1].map((chance) => spreadMs(3_000, chance))).toEqual([3_000, 4_500]);
});
