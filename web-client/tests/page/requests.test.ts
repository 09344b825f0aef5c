// The state of the page, with a client that is connected to a fake gateway.

import { createRoot } from "solid-js";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Client, Tokens, type Conversation } from "../../sdk/index";
import { C, FakeGateway, FakeLogins, ME, messageEvent, OTHER, settle, storedLogin, textEntry } from "../sdk/gateway";

vi.hoisted(() => {
  vi.stubGlobal("location", { hash: "" });
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
  vi.stubGlobal("document", { baseURI: "https://example.org/", visibilityState: "visible" });
});
const { createModel } = await import("../../src/state/model");

const request = (fields: Partial<Conversation> = {}): Conversation => ({
  id: C, kind: "direct", head_seq: 4, unread: 1, last_message: textEntry(4), delivered_seq: 3, read_seq: 3, role: "member",
  member_count: 2, peer: { id: OTHER, username: "grace" }, state: "request", ...fields,
});
const details = (fields: Partial<Conversation> = {}) => ({ ev: "conversation", conversation: C, details: request(fields) });

let gateway: FakeGateway;
let dispose: () => void;
let model: ReturnType<typeof createModel>;

beforeEach(async () => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  gateway.answer("GET /v1/conversations", () => ({ items: [], next_cursor: null }));
  const unsent = { load: () => [], keep: () => undefined, remove: () => undefined };
  const logins = new FakeLogins(storedLogin());
  const client = new Client({ environment: gateway.environment(), tokens: new Tokens(gateway.environment(), logins), unsent, name: "test" });
  dispose = createRoot((dispose) => {
    model = createModel(client, { id: ME, username: "ada" });
    return dispose;
  });
  client.start();
  await settle();
  await gateway.socket.accept({ [C]: 4 });
});
afterEach(() => {
  model.end();
  model.client.stop();
  dispose();
});

/** Reads, gets a message and types, as a user does in an opened conversation. Returns what was sent about it. */
async function use(seq: number): Promise<string[]> {
  const { socket } = gateway;
  const before = socket.frames.length;
  socket.receive(messageEvent(textEntry(seq)));
  model.read(C, seq);
  model.sendTyping(C, true);
  await vi.advanceTimersByTimeAsync(5_000);
  return socket.frames.slice(before).map(({ cmd }) => cmd);
}

it("request sends no receipts and no typing signals until it is accepted", async () => {
  gateway.socket.receive(details());
  expect(await use(5)).toEqual([]);
  expect([model.conversations.requests().length, model.conversations.open().length, model.conversations.unread()]).toEqual([1, 0, 0]);
  gateway.answer(`POST /v1/conversations/${C}/accept`, () => request({ state: "open", head_seq: 5, unread: 2 }));
  await model.accept(C);
  expect([model.conversations.requests().length, model.conversations.open().length, model.conversations.unread()]).toEqual([0, 1, 1]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(gateway.socket.last("receipt")).toMatchObject({ conversation: C, delivered_seq: 5 });
  expect(await use(6)).toEqual(expect.arrayContaining(["typing", "receipt"]));
  expect(gateway.socket.last("receipt")).toMatchObject({ conversation: C, read_seq: 6 });
});

it("requests are counted beyond the first page of the list", async () => {
  const open = (id: string) => request({ id, state: "open" });
  gateway.answer("GET /v1/conversations", ({ path }) =>
    path.includes("state=request")
      ? { items: [request({ id: "8" }), request({ id: "9" })], next_cursor: "more" }
      : { items: [open("6"), request({ id: "8" })], next_cursor: "next" },
  );
  await model.conversations.reload();
  expect(model.conversations.requests().map((it) => it.id)).toEqual(["8", "9"]);
  expect(model.conversations.state.hasMoreRequests).toBe(true);
  gateway.answer("GET /v1/conversations", () => ({ items: [open("6")], next_cursor: null }));
  const before = gateway.called("/v1/conversations").length;
  await model.conversations.reload();
  expect([gateway.called("/v1/conversations").length - before, model.conversations.state.hasMoreRequests]).toEqual([1, false]);
});

it("reload reads every loaded page again, and the totals count what is not loaded", async () => {
  const open = (id: string, unread: number) => request({ id, state: "open", unread });
  const pages = (unread: number, unread_conversations: number) => {
    const totals = { unread_conversations, requests: 0 };
    gateway.answer("GET /v1/conversations", ({ path }) => {
      if (path.includes("cursor=second")) return { items: [open("5", unread)], next_cursor: "third", totals };
      return { items: [open("6", unread)], next_cursor: path.includes("state=") ? null : "second", totals };
    });
  };
  pages(3, 7);
  await model.conversations.reload();
  expect([model.conversations.get("5"), model.conversations.unread()]).toEqual([undefined, 7]);
  await model.conversations.more();
  expect([model.conversations.get("5")?.unread, model.conversations.unread()]).toEqual([3, 7]);
  pages(0, 0);
  await model.conversations.reload();
  expect([model.conversations.get("5")?.unread, model.conversations.unread()]).toEqual([0, 0]);
});

it("conversation is counted once if an event adds it to the list after the totals have counted it", async () => {
  const open = (id: string) => request({ id, state: "open", unread: 1 });
  const totals = { unread_conversations: 2, requests: 0 };
  gateway.answer("GET /v1/conversations", () => ({ items: [open("6")], next_cursor: "second", totals }));
  gateway.answer("GET /v1/conversations/5", () => open("5"));
  await model.conversations.reload();
  gateway.socket.receive(messageEvent(textEntry(4, { conversation: "5" })));
  await vi.advanceTimersByTimeAsync(5_000);
  expect([model.conversations.get("5")?.unread, model.conversations.unread()]).toEqual([1, 2]);
});

it("reload also reads unread conversations again that are further down the list", async () => {
  const open = (id: string, unread: number) => request({ id, state: "open", unread });
  gateway.socket.receive({ ev: "conversation", conversation: "5", details: open("5", 3) });
  gateway.answer("GET /v1/conversations", () => ({ items: [open("6", 0)], next_cursor: "second" }));
  gateway.answer("GET /v1/conversations/5", () => open("5", 0));
  await model.conversations.reload();
  await settle();
  expect(model.conversations.get("5")?.unread).toBe(0);
});

it("answer opens a request", async () => {
  gateway.socket.receive(details());
  gateway.socket.receive(messageEvent(textEntry(5, { sender: ME })));
  await settle();
  expect(model.conversations.requests()).toEqual([]);
  expect(await use(6)).toContain("typing");
});

it("request that is accepted on another device opens here too", async () => {
  gateway.socket.receive(details());
  gateway.socket.receive(details({ state: "open" }));
  await settle();
  expect([model.conversations.requests().length, model.conversations.open().length]).toEqual([0, 1]);
});

it("request that was accepted while this device was away opens when it is displayed", async () => {
  gateway.socket.receive(details());
  gateway.answer(`GET /v1/conversations/${C}`, () => request({ state: "open" }));
  gateway.answer(`GET /v1/conversations/${C}/members`, () => ({ items: [], next_cursor: null }));
  void model.open(C);
  await settle();
  expect([model.conversations.requests().length, model.conversations.open().length]).toEqual([0, 1]);
});

it("declined request and hidden conversation leave the list only when the gateway has confirmed it", async () => {
  gateway.socket.receive(details());
  await expect(model.decline(C)).rejects.toThrow();
  expect(model.conversations.requests()).toHaveLength(1);
  gateway.answer(`POST /v1/conversations/${C}/decline`, () => ({}));
  await model.decline(C);
  expect(model.conversations.requests()).toEqual([]);

  gateway.socket.receive(details({ state: "open" }));
  gateway.answer(`DELETE /v1/conversations/${C}/members/${ME}`, () => ({}));
  await model.hide(C);
  expect(model.conversations.open()).toEqual([]);
});

it("block list follows blocking and unblocking, and stays unknown at gateways without blocks", async () => {
  await expect(model.blocks.load()).rejects.toThrow();
  expect([model.blocks.all(), model.blocks.has(OTHER)]).toEqual([undefined, false]);
  gateway.answer("GET /v1/me/blocks", () => ({ items: ["7"] }));
  gateway.answer(`PUT /v1/me/blocks/${OTHER}`, () => ({}));
  gateway.answer("DELETE /v1/me/blocks/7", () => ({}));
  await model.blocks.load();
  await model.blocks.block(OTHER);
  await model.blocks.block(OTHER);
  await model.blocks.unblock("7");
  expect(model.blocks.all()).toEqual([OTHER]);
});

it("block list is read again after a reconnect, because another device may have changed it", async () => {
  gateway.answer("GET /v1/me/blocks", () => ({ items: ["7"] }));
  await model.blocks.load();
  gateway.answer("GET /v1/me/blocks", () => ({ items: [] }));
  await gateway.socket.refuse();
  await vi.advanceTimersByTimeAsync(1_000);
  await gateway.socket.accept({ [C]: 4 });
  expect(model.blocks.all()).toEqual([]);
});

it("receipts of conversations that are not open are forgotten after a reconnect, because some may have been missed", async () => {
  gateway.answer(`GET /v1/conversations/${C}/members`, () => ({ items: [{ user: OTHER, role: "member", joined_seq: 0, delivered_seq: 4, read_seq: 4 }], next_cursor: null }));
  await model.members.load(C);
  expect(model.members.status(C)).toBe("ready");
  await gateway.socket.refuse();
  await vi.advanceTimersByTimeAsync(1_000);
  await gateway.socket.accept({ [C]: 4 });
  expect(model.members.status(C)).toBe("loading");
});
