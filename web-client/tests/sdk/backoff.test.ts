import { expect, it } from "vitest";
import { delayMs, patientDelayMs, spreadMs } from "../../sdk/backoff";

const backoff = { first_ms: 1_000, max_ms: 30_000 };

it("delay doubles up to its maximum, with jitter below it", () => {
  expect([0, 1, 2, 3, 10].map((n) => delayMs(backoff, n, 1))).toEqual([1_000, 2_000, 4_000, 8_000, 30_000]);
  expect(delayMs(backoff, 3, 0.25)).toBe(2_000);
});

it("patient delay is at least half of the step", () => {
  expect([0, 1].map((random) => patientDelayMs(backoff, 1, random))).toEqual([1_000, 2_000]);
});

it("spread delay is never shorter than requested", () => {
  expect([0, 1].map((random) => spreadMs(3_000, random))).toEqual([3_000, 4_500]);
});
