import { expect, it } from "vitest";
import { problem } from "../../sdk/error";
import * as wire from "../../sdk/wire";
import { textEntry } from "./gateway";

/** Names that every object inherits, and one that changes what it inherits. */
const INHERITED = ["constructor", "toString", "hasOwnProperty", "__proto__"];

it.each(INHERITED)("entry of a kind named %s is unknown", (kind) => {
  const entry = wire.entry(JSON.parse(JSON.stringify({ ...textEntry(5), kind, evil: true })), "entry");
  expect(entry).toEqual({ conversation: entry.conversation, seq: 5, id: entry.id, sender: entry.sender, sent_at: entry.sent_at, kind: "unknown" });
});

it.each(INHERITED)("event named %s is unknown", (ev) => {
  expect(wire.event({ ev }, "event")).toEqual({ ev: "unknown" });
});

it.each(INHERITED)("cursor of a conversation named %s is a cursor like others", (name) => {
  const { resume } = wire.polled(JSON.parse(`{"events":[],"resume":{"${name}":7}}`), "polled");
  expect([Object.entries(resume), Object.getPrototypeOf(resume)]).toEqual([[[name, 7]], Object.prototype]);
  expect(JSON.stringify(resume)).toBe(`{"${name}":7}`);
});

it.each(["frame", "details"])("%s with __proto__ sets no fields of others", (place) => {
  const inner = `{"__proto__":{"field":"evil","code":"evil","retryable":true}}`;
  const text = place === "frame" ? inner : `{"code":"invalid","message":"","retryable":false,"details":${inner}}`;
  const read = () => problem(JSON.parse(text), "error");
  if (place === "frame") expect(read).toThrow("error.code");
  else expect(read().details?.["field"]).toBeUndefined();
  expect(({} as Record<string, unknown>)["field"]).toBeUndefined();
});
