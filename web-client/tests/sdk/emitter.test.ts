import { afterEach, expect, it, vi } from "vitest";
import { Emitter } from "../../sdk/emitter";

afterEach(() => vi.unstubAllGlobals());

it("listener that throws is reported, and the others get the event", () => {
  const reported: unknown[] = [];
  vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
  const emitter = new Emitter<{ entry: number }>();
  const received: number[] = [];
  const failure = new Error("a bug of the application");
  emitter.on("entry", () => {
    throw failure;
  });
  emitter.on("entry", (value) => received.push(value));
  emitter.emit("entry", 1);
  emitter.emit("entry", 2);
  expect([received, reported]).toEqual([[1, 2], [failure, failure]]);
});

it("listener gets nothing after it was removed", () => {
  const emitter = new Emitter<{ entry: number }>();
  const received: number[] = [];
  const remove = emitter.on("entry", (value) => received.push(value));
  emitter.emit("entry", 1);
  remove();
  emitter.emit("entry", 2);
  expect(received).toEqual([1]);
});
