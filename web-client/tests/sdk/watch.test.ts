import { beforeEach, describe, expect, it, vi } from "vitest";
import { Watch } from "../../sdk/watch";
import type { Presence } from "../../sdk/wire";
import { FakeCarrier, settle } from "./gateway";

let carrier: FakeCarrier;
let seen: Presence[];
let watch: Watch;
const moment = () => vi.advanceTimersByTimeAsync(150);

beforeEach(() => {
  vi.useFakeTimers();
  carrier = new FakeCarrier();
  seen = [];
  watch = new Watch(carrier, (presence) => seen.push(presence));
  watch.attached("online");
});

describe("watching", () => {
  it("names each person once, however many places show them", async () => {
    watch.hold("1");
    watch.hold("2");
    watch.hold("1");
    await moment();
    expect(carrier.commands).toEqual([{ cmd: "watch", users: ["1", "2"] }]);
  });

  it("hands on the present state", async () => {
    watch.hold("1");
    await moment();
    await carrier.ok({ presence: [{ user: "1", status: "online" }] });
    expect(seen).toEqual([{ user: "1", status: "online" }]);
  });

  it("ends when the last place that shows a person is gone", async () => {
    const first = watch.hold("1");
    const second = watch.hold("1");
    await moment();
    await carrier.ok({ presence: [] });
    first();
    first();
    await moment();
    expect(carrier.commands).toHaveLength(1);
    second();
    await moment();
    expect(carrier.commands.at(-1)).toEqual({ cmd: "unwatch", users: ["1"] });
  });

  it("begins anew on each socket", async () => {
    watch.hold("1");
    await moment();
    await carrier.ok({ presence: [] });
    watch.attached("online");
    await settle();
    expect(carrier.commands.at(-1)).toEqual({ cmd: "watch", users: ["1"] });
    expect(carrier.commands).toHaveLength(2);
  });

  it("asks from time to time while polls carry the session", async () => {
    watch.hold("1");
    await moment();
    await carrier.ok({ presence: [] });
    watch.attached("polling");
    await carrier.ok({ presence: [] });
    await vi.advanceTimersByTimeAsync(40_500);
    expect(carrier.commands).toHaveLength(4);
  });
});
