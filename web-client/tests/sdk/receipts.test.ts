import { beforeEach, describe, expect, it, vi } from "vitest";
import { Unreachable } from "../../sdk/index";
import { Receipts } from "../../sdk/receipts";
import { C, FakeGateway, FakeTransport } from "./gateway";

let transport: FakeTransport;
let receipts: Receipts;
const second = () => vi.advanceTimersByTimeAsync(1_000);

beforeEach(() => {
  vi.useFakeTimers();
  transport = new FakeTransport();
  receipts = new Receipts(transport, new FakeGateway().environment());
});

describe("receipts", () => {
  it("receipts are combined and only the newest is sent", async () => {
    for (const seq of [5, 6, 7]) receipts.delivered(C, seq);
    receipts.read(C, 6);
    await second();
    expect(transport.commands).toEqual([{ cmd: "receipt", conversation: C, delivered_seq: 7, read_seq: 6 }]);
  });

  it("receipt omits delivered_seq when read_seq implies it", async () => {
    receipts.read(C, 6);
    await second();
    expect(transport.commands).toEqual([{ cmd: "receipt", conversation: C, read_seq: 6 }]);
  });

  it("receipts are sent at most once a second", async () => {
    for (let seq = 1; seq <= 20; seq += 1) {
      receipts.delivered(C, seq);
      await vi.advanceTimersByTimeAsync(100);
    }
    await second();
    expect(transport.commands.length).toBeLessThanOrEqual(3);
    expect(transport.commands.at(-1)).toMatchObject({ delivered_seq: 20 });
  });

  it("receipts are not sent twice and never move back", async () => {
    receipts.setKnown(C, { delivered_seq: 9, read_seq: 8 });
    receipts.read(C, 8);
    receipts.delivered(C, 7);
    await second();
    expect(transport.commands).toEqual([]);
  });

  it("failed receipts are sent after reconnecting", async () => {
    receipts.read(C, 5);
    await second();
    await transport.fail(new Unreachable("the socket closed"));
    transport.isAttached = false;
    receipts.delivered(C, 6);
    await second();
    transport.isAttached = true;
    receipts.flush();
    const both = { cmd: "receipt", conversation: C, delivered_seq: 6, read_seq: 5 };
    expect(transport.commands).toEqual([{ cmd: "receipt", conversation: C, read_seq: 5 }, both]);
  });
});
