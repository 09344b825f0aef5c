import { beforeEach, describe, expect, it, vi } from "vitest";
import { Unreachable } from "../../sdk/index";
import type { Send } from "../../sdk/command";
import { ConfabError } from "../../sdk/error";
import { Outbox, type OutboxItem, type OutboxStore } from "../../sdk/outbox";
import { C, FakeTransport, FakeGateway, ME, settle, textEntry } from "./gateway";

let transport: FakeTransport;
let kept: Map<string, OutboxItem>;
let changes: string[];
let outbox: Outbox;

const store: OutboxStore = {
  load: () => [...kept.values()].map(({ command, made_at, error }) => ({ command, made_at, problem: error?.problem })),
  keep: (item) => void kept.set(item.client_id, item),
  remove: (client_id) => kept.delete(client_id),
};

beforeEach(() => {
  vi.useFakeTimers();
  transport = new FakeTransport();
  kept = new Map();
  changes = [];
  outbox = make();
});

function make(): Outbox {
  const made = new Outbox(new FakeGateway().environment(), transport, store);
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

describe("outbox", () => {
  it("command is sent once and reported when the storage is full", async () => {
    const full = { ...store, keep: () => { throw new Error("quota"); } };
    outbox = new Outbox(new FakeGateway().environment(), transport, full);
    const unsaved: string[] = [];
    outbox.on("unsaved", (item) => unsaved.push(item.client_id));
    transport.isAttached = false;
    outbox.add(send("a"));
    transport.isAttached = true;
    outbox.resume();
    await transport.ok(sent(5));
    outbox.resume();
    await settle();
    expect([unsaved, transport.commands.map((command) => "client_id" in command && command.client_id)]).toEqual([["a"], ["a"]]);
  });

  it("refused message is kept as failed until it is discarded", async () => {
    outbox.add(send("a"));
    await transport.fail(refusal("forbidden"));
    expect([...kept.keys()]).toEqual(["a"]);
    const next = make();
    expect(next.restore()).toMatchObject([{ client_id: "a", state: "failed", error: { code: "forbidden" } }]);
    next.resume();
    await settle();
    expect(transport.commands).toHaveLength(1);
    next.discard("a");
    expect([kept.size, changes.at(-1)]).toEqual([0, "a dropped"]);
  });

  it("refused change, and a message in a conversation that is gone, are not kept", async () => {
    outbox.add({ cmd: "redact", conversation: C, seq: 4, client_id: "a" });
    await transport.fail(refusal("forbidden"));
    outbox.add(send("b"));
    await transport.fail(refusal("not_found"));
    expect(kept.size).toBe(0);
  });

  it("command of another tab is sent once, and only by the leading tab", async () => {
    transport.isLeading = false;
    const made: string[] = [];
    outbox.on("made", ({ command, state }) => made.push(`${command.client_id} ${state}`));
    for (let times = 0; times < 2; times += 1) outbox.apply({ command: send("a"), made_at: 1, state: "queued" });
    await settle();
    expect(transport.commands).toEqual([]);
    transport.isLeading = true;
    outbox.resume();
    await transport.ok(sent(5));
    outbox.resume();
    await settle();
    expect([transport.commands, changes, made]).toEqual([[send("a")], ["a queued", "a sent"], ["a sent"]]);
  });

  it("command that another tab has sent is not sent again, and later ones are sent", async () => {
    outbox.add(send("a"));
    outbox.add(send("b"));
    outbox.apply({ command: send("a"), made_at: 1, state: "sent", entry: textEntry(5) });
    await transport.ok(sent(5));
    await transport.ok(sent(6));
    expect([transport.commands, outbox.items, kept.size]).toEqual([[send("a"), send("b")], [], 0]);
  });

  it("command is shared after the earlier ones of its tab, but not after those of others", () => {
    transport.isLeading = false;
    const made: string[] = [];
    outbox.on("made", ({ command }) => made.push(command.client_id));
    outbox.add(send("a"));
    outbox.apply({ command: send("b"), made_at: 1, state: "queued" });
    outbox.add(send("c"));
    expect(made).toEqual(["a", "a", "c"]);
  });

  it("merge returns the commands that the leading tab does not know", async () => {
    transport.isLeading = false;
    outbox.add(send("a"));
    outbox.add(send("b"));
    const unknown = outbox.merge([{ command: send("c"), made_at: 1, state: "queued" }, { command: send("a"), made_at: 1, state: "queued" }]);
    expect(unknown.map((it) => it.command.client_id)).toEqual(["b"]);
    expect(outbox.items.map((it) => it.client_id)).toEqual(["a", "b", "c"]);
  });

  it("command that could not be stored is stored before the next one", async () => {
    const keep = store.keep;
    store.keep = () => {
      throw new Error("full");
    };
    outbox.add(send("a"));
    store.keep = keep;
    outbox.add(send("b"));
    expect([...kept.keys()]).toEqual(["a", "b"]);
  });

  it("outbox sends the commands of a conversation in order", async () => {
    for (const name of ["a", "b", "c"]) outbox.add(send(name));
    await settle();
    expect(transport.commands).toEqual([send("a")]);
    await transport.ok(sent(5));
    await transport.ok(sent(6));
    await transport.ok(sent(7));
    expect(transport.commands).toEqual([send("a"), send("b"), send("c")]);
  });

  it("outbox sends conversations independently", async () => {
    outbox.add(send("a", "1"));
    outbox.add(send("b", "2"));
    await settle();
    expect(transport.commands).toHaveLength(2);
  });

  it("outbox retries with the same client id and base seq", async () => {
    outbox.add(send("a"));
    outbox.add(send("b"));
    await settle();
    await transport.fail(new Unreachable("no reply in time"));
    await vi.advanceTimersByTimeAsync(1_000);
    await transport.fail(refusal("outcome_unknown", { retryable: true, retry_after_ms: 3_000 }));
    await vi.advanceTimersByTimeAsync(2_900);
    expect(transport.commands).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    await transport.ok(sent(5));
    expect(transport.commands).toEqual([send("a"), send("a"), send("a"), send("b")]);
    expect(changes).toEqual(["a queued", "b queued", "a sent"]);
  });

  it("outbox sends when the connection is back", async () => {
    transport.isAttached = false;
    outbox.add(send("a"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(transport.commands).toEqual([]);
    transport.isAttached = true;
    outbox.resume();
    await settle();
    expect(transport.commands).toEqual([send("a")]);
  });

  it("outbox skips the retry delay after reconnecting", async () => {
    outbox.add(send("a"));
    await settle();
    await transport.fail(refusal("unavailable", { retryable: true, retry_after_ms: 60_000 }));
    outbox.resume();
    await settle();
    expect(transport.commands).toHaveLength(2);
  });

  it("outbox continues with the next command after a refusal", async () => {
    outbox.add(send("a"));
    outbox.add(send("b"));
    await settle();
    await transport.fail(refusal("too_large"));
    await transport.ok(sent(5));
    expect(changes).toEqual(["a queued", "b queued", "a failed", "b sent"]);
  });

  it("outbox retries a failed command with the same client id", async () => {
    outbox.add(send("a"));
    await settle();
    await transport.fail(refusal("internal"));
    outbox.retry("a");
    await settle();
    expect(transport.commands).toEqual([send("a"), send("a")]);
  });

  it("outbox uses a new client id when the old one has other content", async () => {
    outbox.add(send("a"));
    await settle();
    await transport.fail(refusal("key_reused"));
    outbox.retry("a");
    await settle();
    expect(transport.commands.at(-1)).toEqual({ ...send("id-1"), text: "a" });
    expect(changes).toContain("a dropped");
  });

  it("outbox restores unsent commands, oldest first", async () => {
    transport.isAttached = false;
    outbox.add(send("a"));
    vi.advanceTimersByTime(5);
    outbox.add(send("b"));
    kept = new Map([...kept].reverse());
    transport.isAttached = true;
    const later = make();
    expect(later.restore().map((item) => item.client_id)).toEqual(["a", "b"]);
    later.resume();
    await settle();
    expect(transport.commands).toEqual([send("a")]);
    await transport.ok(sent(5));
    await transport.ok(sent(6));
    expect(kept.size).toBe(0);
  });
});
