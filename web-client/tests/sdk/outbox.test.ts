import { beforeEach, describe, expect, it, vi } from "vitest";
import { Unreachable } from "../../sdk";
import type { Send } from "../../sdk/command";
import { ConfabError } from "../../sdk/error";
import { Outbox, type OutboxItem, type OutboxStore } from "../../sdk/outbox";
import { C, FakeCarrier, FakeGateway, ME, settle, textEntry } from "./gateway";

let carrier: FakeCarrier;
let kept: Map<string, OutboxItem>;
let changes: string[];
let outbox: Outbox;

const store: OutboxStore = {
  load: () => [...kept.values()],
  keep: (item) => kept.set(item.client_id, item),
  remove: (client_id) => kept.delete(client_id),
};

beforeEach(() => {
  vi.useFakeTimers();
  carrier = new FakeCarrier();
  kept = new Map();
  changes = [];
  outbox = make();
});

function make(): Outbox {
  const made = new Outbox(new FakeGateway().surroundings(), carrier, store);
  made.on("changed", (item) => changes.push(`${item.client_id} ${item.state}`));
  return made;
}

const send = (client_id: string, conversation = C): Send => ({
  cmd: "send",
  conversation,
  client_id,
  text: client_id,
  base_seq: 4,
});
const sent = (seq: number) => ({ message: textEntry(seq, { sender: ME }), replayed: false });
const refusal = (code: string, fields = {}) => new ConfabError({ code, message: code, retryable: false, ...fields });

describe("the outbox", () => {
  it("sends one conversation's commands one after the other, in their order", async () => {
    for (const name of ["a", "b", "c"]) outbox.add(send(name));
    await settle();
    expect(carrier.commands).toEqual([send("a")]);
    await carrier.ok(sent(5));
    await carrier.ok(sent(6));
    await carrier.ok(sent(7));
    expect(carrier.commands).toEqual([send("a"), send("b"), send("c")]);
  });

  it("does not let one conversation wait for another", async () => {
    outbox.add(send("a", "1"));
    outbox.add(send("b", "2"));
    await settle();
    expect(carrier.commands).toHaveLength(2);
  });

  it("repeats with the same client id and base seq until there is an answer", async () => {
    outbox.add(send("a"));
    outbox.add(send("b"));
    await settle();
    await carrier.fail(new Unreachable("no reply in time"));
    await vi.advanceTimersByTimeAsync(1_000);
    await carrier.fail(refusal("outcome_unknown", { retryable: true, retry_after_ms: 3_000 }));
    await vi.advanceTimersByTimeAsync(2_900);
    expect(carrier.commands).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    await carrier.ok(sent(5));
    expect(carrier.commands).toEqual([send("a"), send("a"), send("a"), send("b")]);
    expect(changes).toEqual(["a queued", "b queued", "a sent"]);
  });

  it("waits for a way to the gateway, and goes on as soon as there is one", async () => {
    carrier.isAttached = false;
    outbox.add(send("a"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(carrier.commands).toEqual([]);
    carrier.isAttached = true;
    outbox.resume();
    await settle();
    expect(carrier.commands).toEqual([send("a")]);
  });

  it("does not wait out a delay once a new way is open", async () => {
    outbox.add(send("a"));
    await settle();
    await carrier.fail(refusal("unavailable", { retryable: true, retry_after_ms: 60_000 }));
    outbox.resume();
    await settle();
    expect(carrier.commands).toHaveLength(2);
  });

  it("sets a refused command aside and goes on with the next", async () => {
    outbox.add(send("a"));
    outbox.add(send("b"));
    await settle();
    await carrier.fail(refusal("too_large"));
    await carrier.ok(sent(5));
    expect(changes).toEqual(["a queued", "b queued", "a failed", "b sent"]);
  });

  it("retries a failed command under its own name", async () => {
    outbox.add(send("a"));
    await settle();
    await carrier.fail(refusal("internal"));
    outbox.retry("a");
    await settle();
    expect(carrier.commands).toEqual([send("a"), send("a")]);
  });

  it("gives a command a new name where the old one stands for other content", async () => {
    outbox.add(send("a"));
    await settle();
    await carrier.fail(refusal("key_reused"));
    outbox.retry("a");
    await settle();
    expect(carrier.commands.at(-1)).toEqual({ ...send("id-1"), text: "a" });
    expect(changes).toContain("a dropped");
  });

  it("takes up what an earlier page left, oldest first", async () => {
    carrier.isAttached = false;
    outbox.add(send("a"));
    vi.advanceTimersByTime(5);
    outbox.add(send("b"));
    kept = new Map([...kept].reverse());
    carrier.isAttached = true;
    const later = make();
    expect(later.restore().map((item) => item.client_id)).toEqual(["a", "b"]);
    later.resume();
    await settle();
    expect(carrier.commands).toEqual([send("a")]);
    await carrier.ok(sent(5));
    await carrier.ok(sent(6));
    expect(kept.size).toBe(0);
  });
});
