import { beforeEach, describe, expect, it, vi } from "vitest";
import { Watch } from "../../sdk/watch";
import type { Presence } from "../../sdk/wire";
import { FakeGateway, FakeTransport, settle } from "./gateway";

let transport: FakeTransport;
let seen: Presence[];
let watch: Watch;
const moment = () => vi.advanceTimersByTimeAsync(150);

beforeEach(() => {
  vi.useFakeTimers();
  transport = new FakeTransport();
  seen = [];
  watch = new Watch(transport, new FakeGateway().environment(), (presence) => seen.push(presence));
  watch.attached("online");
});

describe("watch", () => {
  it("watch names each user once", async () => {
    watch.hold("1");
    watch.hold("2");
    watch.hold("1");
    await moment();
    expect(transport.commands).toEqual([{ cmd: "watch", users: ["1", "2"] }]);
  });

  it("watch reports the current presence", async () => {
    watch.hold("1");
    await moment();
    await transport.ok({ presence: [{ user: "1", status: "online" }] });
    expect(seen).toEqual([{ user: "1", status: "online" }]);
  });

  it("watch ends with the last hold on a user", async () => {
    const first = watch.hold("1");
    const second = watch.hold("1");
    await moment();
    await transport.ok({ presence: [] });
    first();
    first();
    await moment();
    expect(transport.commands).toHaveLength(1);
    second();
    await moment();
    expect(transport.commands.at(-1)).toEqual({ cmd: "unwatch", users: ["1"] });
  });

  it("watch is sent again on each socket", async () => {
    watch.hold("1");
    await moment();
    await transport.ok({ presence: [] });
    watch.attached("online");
    await settle();
    expect(transport.commands.at(-1)).toEqual({ cmd: "watch", users: ["1"] });
    expect(transport.commands).toHaveLength(2);
  });

  it("user with unknown presence is watched again when active, at most every 30 s", async () => {
    const answer = (status: string) => transport.ok({ presence: [{ user: "1", status }] });
    const watches = () => transport.commands.filter(({ cmd }) => cmd === "watch").length;
    const act = async (user: string) => {
      watch.active(user);
      await moment();
    };
    watch.hold("1");
    await moment();
    await answer("unknown");
    await act("2");
    expect(watches()).toBe(1);
    await act("1");
    expect(watches()).toBe(2);
    await answer("unknown");
    await act("1");
    expect(watches()).toBe(2);
    await vi.advanceTimersByTimeAsync(30_000);
    await act("1");
    await answer("online");
    expect([watches(), seen.at(-1)?.status]).toEqual([3, "online"]);
    await vi.advanceTimersByTimeAsync(30_000);
    await act("1");
    expect(watches()).toBe(3);
  });

  it("watch reads presence regularly while polling", async () => {
    watch.hold("1");
    await moment();
    await transport.ok({ presence: [] });
    watch.attached("polling");
    await transport.ok({ presence: [] });
    await vi.advanceTimersByTimeAsync(40_500);
    expect(transport.commands).toHaveLength(4);
  });
});
