import { beforeEach, describe, expect, it, vi } from "vitest";
import { Unreachable } from "../../sdk";
import { Receipts } from "../../sdk/receipts";
import { C, FakeCarrier } from "./gateway";

let carrier: FakeCarrier;
let receipts: Receipts;
const second = () => vi.advanceTimersByTimeAsync(1_000);

beforeEach(() => {
  vi.useFakeTimers();
  carrier = new FakeCarrier();
  receipts = new Receipts(carrier);
});

describe("receipts", () => {
  it("are told together, and only the newest", async () => {
    for (const seq of [5, 6, 7]) receipts.delivered(C, seq);
    receipts.read(C, 6);
    await second();
    expect(carrier.commands).toEqual([{ cmd: "receipt", conversation: C, delivered_seq: 7, read_seq: 6 }]);
  });

  it("leave out what reading says anyway", async () => {
    receipts.read(C, 6);
    await second();
    expect(carrier.commands).toEqual([{ cmd: "receipt", conversation: C, read_seq: 6 }]);
  });

  it("go out at most once a second", async () => {
    for (let seq = 1; seq <= 20; seq += 1) {
      receipts.delivered(C, seq);
      await vi.advanceTimersByTimeAsync(100);
    }
    await second();
    expect(carrier.commands.length).toBeLessThanOrEqual(3);
    expect(carrier.commands.at(-1)).toMatchObject({ delivered_seq: 20 });
  });

  it("are not told twice, and never go back", async () => {
    receipts.known(C, { delivered_seq: 9, read_seq: 8 });
    receipts.read(C, 8);
    receipts.delivered(C, 7);
    await second();
    expect(carrier.commands).toEqual([]);
  });

  it("that could not be told are told when there is a way again", async () => {
    receipts.read(C, 5);
    await second();
    await carrier.fail(new Unreachable("the socket closed"));
    carrier.isAttached = false;
    receipts.delivered(C, 6);
    await second();
    carrier.isAttached = true;
    receipts.flush();
    const both = { cmd: "receipt", conversation: C, delivered_seq: 6, read_seq: 5 };
    expect(carrier.commands).toEqual([{ cmd: "receipt", conversation: C, read_seq: 5 }, both]);
  });
});
