import { beforeEach, describe, expect, it, vi } from "vitest";
import { ConfabError, Unreachable } from "../../sdk/index";
import { Rest } from "../../sdk/rest";
import { RestTransport } from "../../sdk/rest_transport";
import { Tokens } from "../../sdk/tokens";
import { C, FakeGateway, FakeLogins, problem, renewal, storedLogin, textEntry } from "./gateway";

const MEMBERS = `GET /v1/conversations/${C}/members`;
let gateway: FakeGateway;
let logins: FakeLogins;
let rest: Rest;

beforeEach(() => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  logins = new FakeLogins(storedLogin());
  rest = new Rest(gateway.environment(), new Tokens(gateway.environment(), logins));
});

const members = () => rest.members(C, undefined, 100);

describe("REST", () => {
  it("problem object becomes a typed error", async () => {
    const details = { field: "limit" };
    gateway.answer(MEMBERS, () => problem(429, "rate_limited", { retry_after_ms: 850, details, type: "/docs" }));
    const error = await members().catch((it: unknown) => it);
    expect(error).toBeInstanceOf(ConfabError);
    expect((error as ConfabError).problem).toEqual({
      code: "rate_limited",
      message: "rate_limited",
      retryable: true,
      retry_after_ms: 850,
      details,
    });
  });

  it.each([400, 401, 403, 404, 413, 502, 503])("answer %s that is not from the gateway says nothing about the request", async (status) => {
    for (const answer of [status, { status, message: "404 page not found" }]) {
      gateway.answer(MEMBERS, () => answer);
      await expect(members()).rejects.toBeInstanceOf(Unreachable);
    }
    expect(logins.login?.access_token).toBe("access-1");
    expect(gateway.called("/v1/sessions")).toEqual([]);
  });

  it("call times out without an answer", async () => {
    gateway.answer(MEMBERS, () => new Promise<object>(() => undefined));
    const answer = expect(members()).rejects.toBeInstanceOf(Unreachable);
    await vi.advanceTimersByTimeAsync(10_001);
    await answer;
  });

  it("call renews an expired token and retries once", async () => {
    gateway.answer("POST /v1/sessions/refresh", () => renewal(2));
    gateway.answer(MEMBERS, ({ headers }) =>
      headers["Authorization"] === "Bearer access-2" ? { items: [], next_cursor: null } : problem(401, "token_expired"),
    );
    await expect(members()).resolves.toEqual({ items: [] });
    expect(gateway.called("/v1/conversations")).toHaveLength(2);
  });

  it("retries of creating a group use the same key", async () => {
    gateway.answer("POST /v1/conversations", () => problem(503, "unavailable"));
    const attempt = () => rest.createGroup({ title: "Picnic" }, "key-1").catch(() => undefined);
    await attempt();
    await attempt();
    expect(gateway.calls.map((called) => called.headers["Idempotency-Key"])).toEqual(["key-1", "key-1"]);
    expect(gateway.calls[0]?.body).toEqual({ kind: "group", title: "Picnic" });
  });

  it("logout forgets the login even if the call fails", async () => {
    await expect(rest.logOut()).rejects.toBeInstanceOf(Unreachable);
    expect(logins.login).toBeUndefined();
    expect(gateway.calls[0]).toMatchObject({ method: "DELETE", path: "/v1/sessions/current" });
  });

  it("poll has a longer timeout than its wait", async () => {
    gateway.answer("POST /v1/poll", () => new Promise<object>(() => undefined));
    let ended = false;
    void rest.poll({}, 25_000, new AbortController().signal).catch(() => (ended = true));
    await vi.advanceTimersByTimeAsync(34_000);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(ended).toBe(true);
  });
});

describe("account, privacy and consent", () => {
  const user = { id: "7", username: "ada" };
  const privacy = { last_seen: "contacts", direct_messages: "everyone", add_to_groups: "nobody", read_receipts: false };
  const conversation = {
    id: C, kind: "direct", title: null, head_seq: 4, unread: 1, last_message: null, delivered_seq: 3, read_seq: 3,
    role: "member", member_count: 2, peer: user,
  };
  const login = { id: "1", device: null, created_at: "a", last_used_at: "b", expires_at: "c", current: true };
  const calls: [string, (rest: Rest) => Promise<unknown>, string, object, object, unknown][] = [
    ["logins", (it) => it.logins(), "GET /v1/sessions", {}, { items: [login] }, [{ id: "1", current: true }]],
    ["end login", (it) => it.endLogin("9"), "DELETE /v1/sessions/9", {}, {}, undefined],
    ["me", (it) => it.me(), "GET /v1/me", {}, { ...user, privacy }, { ...user, privacy }],
    ["name", (it) => it.changeProfile({ display_name: "Ada" }), "PATCH /v1/me", { display_name: "Ada" }, user, user],
    [
      "privacy", (it) => it.changeProfile({ privacy: { read_receipts: false } }), "PATCH /v1/me",
      { privacy: { read_receipts: false } }, { ...user, privacy }, { ...user, privacy },
    ],
    ["blocks", (it) => it.blocks(), "GET /v1/me/blocks", {}, { items: ["7"] }, ["7"]],
    ["block", (it) => it.block("7"), "PUT /v1/me/blocks/7", {}, {}, undefined],
    ["unblock", (it) => it.unblock("7"), "DELETE /v1/me/blocks/7", {}, {}, undefined],
    ["accept", (it) => it.accept(C), `POST /v1/conversations/${C}/accept`, {}, conversation, { state: "open" }],
    ["decline", (it) => it.decline(C), `POST /v1/conversations/${C}/decline`, {}, {}, undefined],
  ];

  it.each(calls)("%s", async (_, make, call, body, answer, result) => {
    gateway.answer(call, () => answer);
    const received = await make(rest);
    if (typeof result === "object") expect(received).toMatchObject(result as object);
    else expect(received).toBe(result);
    expect(gateway.calls[0]?.body).toEqual(body);
  });

  it("conversation is a request when the gateway says so, and open at gateways without requests", async () => {
    const read = async (fields: object) => {
      gateway.answer(`GET /v1/conversations/${C}`, () => ({ ...conversation, ...fields }));
      return (await rest.conversation(C)).state;
    };
    expect([await read({ state: "request" }), await read({ state: "open" }), await read({})]).toEqual(["request", "open", "open"]);
  });

  it("refusal names its field and its reason", async () => {
    gateway.answer("PUT /v1/me/blocks/7", () => problem(403, "forbidden", { details: { reason: "blocked", field: 3 } }));
    const error = await rest.block("7").catch((it: unknown) => it);
    expect([(error as ConfabError).reason, (error as ConfabError).field]).toEqual(["blocked", undefined]);
  });
});

describe("commands over REST", () => {
  const messages = `/v1/conversations/${C}/messages`;
  const answer = { message: textEntry(5), replayed: false };
  const common = { conversation: C, client_id: "a-1", base_seq: 4 };

  it.each([
    [{ cmd: "send", ...common, text: "hi", reply_to: 3 }, `POST ${messages}`, { client_id: "a-1", text: "hi", reply_to: 3, base_seq: 4 }],
    [{ cmd: "edit", ...common, seq: 3, text: "ho" }, `PATCH ${messages}/3`, { client_id: "a-1", text: "ho", base_seq: 4 }],
    [{ cmd: "redact", ...common, seq: 3 }, `DELETE ${messages}/3`, {}],
    [{ cmd: "react", ...common, seq: 3, emoji: "👍", on: true }, `PUT ${messages}/3/reactions/%F0%9F%91%8D`, {}],
    [{ cmd: "react", ...common, seq: 3, emoji: "👍", on: false }, `DELETE ${messages}/3/reactions/%F0%9F%91%8D`, {}],
  ] as const)("%o", async (command, call, body) => {
    gateway.answer(call, () => answer);
    await expect(new RestTransport(rest).execute(command)).resolves.toMatchObject({ replayed: false });
    expect(gateway.calls[0]?.body).toEqual(body);
  });

  it("watch over REST reads presence", async () => {
    const items = [{ user: "7", status: "dancing", last_seen_at: null }];
    gateway.answer("GET /v1/presence", () => ({ items }));
    const reply = await new RestTransport(rest).execute({ cmd: "watch", users: ["7"] });
    expect(reply).toEqual({ presence: [{ user: "7", status: "unknown" }] });
  });
});
