import { beforeEach, describe, expect, it, vi } from "vitest";
import { Client, type EndReason, Tokens } from "../../sdk/index";
import { C, FakeGateway, FakeLogins, type FakeSocket, ME, messageEvent, problem, renewal, settle, storedLogin, textEntry } from "./gateway";

let gateway: FakeGateway;
let logins: FakeLogins;
let client: Client;
let seqs: number[];
let ended: EndReason[];

beforeEach(() => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  logins = new FakeLogins(storedLogin());
  const unsent = { load: () => [], keep: () => undefined, remove: () => undefined };
  client = new Client({ environment: gateway.environment(), tokens: new Tokens(gateway.environment(), logins), unsent, name: "test" });
  seqs = [];
  ended = [];
  client.on("entry", (entry) => seqs.push(entry.seq));
  client.on("ended", (reason) => ended.push(reason));
});

async function start(resume: Record<string, number> = { [C]: 4 }): Promise<FakeSocket> {
  client.start();
  await settle();
  await gateway.socket.accept(resume);
  return gateway.socket;
}

describe("session on a socket", () => {
  it("socket is closed when the session is stopped before it has answered", async () => {
    client.start();
    await settle();
    gateway.socket.onopen?.();
    await settle();
    client.stop();
    const { id } = gateway.socket.last("hello");
    gateway.socket.receive({ re: id, ok: { user: ME, session: "1", heartbeat_ms: 25_000, limits: {}, server_time: "", resume: {} } });
    await settle();
    expect([gateway.socket.closedWith, client.state]).toEqual([1000, "ended"]);
  });

  it("first hello has a token and no cursors", async () => {
    const socket = await start();
    const hello = socket.last("hello");
    expect(hello).toEqual({ id: 1, cmd: "hello", token: "access-1", client: { name: "test", version: "0.1.0" } });
    expect(client.state).toBe("online");
  });

  it("reconnect sends the cursors of delivered entries", async () => {
    const socket = await start({ [C]: 4, "7": 1 });
    socket.receive(messageEvent(textEntry(5)));
    await socket.refuse(1006);
    await vi.advanceTimersByTimeAsync(1_000);
    gateway.socket.onopen?.();
    await settle();
    expect(gateway.socket.last("hello")["resume"]).toEqual({ [C]: 5, "7": 1 });
  });

  it("reconnect sends empty cursors when there is no conversation", async () => {
    await (await start({})).refuse(1001);
    await vi.advanceTimersByTimeAsync(1_000);
    gateway.socket.onopen?.();
    await settle();
    expect(gateway.socket.last("hello")["resume"]).toEqual({});
  });

  it("missed entries are delivered once when they arrive twice", async () => {
    const socket = await start();
    socket.receive(messageEvent(textEntry(5)));
    await socket.refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    await gateway.socket.accept({ [C]: 6 });
    for (const seq of [5, 6, 6]) gateway.socket.receive(messageEvent(textEntry(seq)));
    expect(seqs).toEqual([5, 6]);
  });

  it("session reads a hole over the socket", async () => {
    const socket = await start();
    socket.receive(messageEvent(textEntry(7)));
    const asked = socket.last("history");
    expect(asked).toEqual({ id: asked.id, cmd: "history", conversation: C, after_seq: 4, limit: 100 });
    socket.receive({ re: asked.id, ok: { items: [5, 6, 7].map((seq) => textEntry(seq)), head_seq: 7 } });
    await settle();
    expect(seqs).toEqual([5, 6, 7]);
  });

  it("session reads from the heads when its cursors do not fit into a frame", async () => {
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`29113993788391${at}`, 1]));
    await (await start({ ...many, [C]: 4 })).refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    await gateway.socket.accept({ ...many, [C]: 5 });
    expect(gateway.socket.last("hello")["resume"]).toBeUndefined();
    expect(gateway.socket.last("history")).toMatchObject({ conversation: C, after_seq: 4 });
  });

  it("session forgets a removed conversation", async () => {
    const socket = await start();
    socket.receive({ ev: "removed", conversation: C });
    await socket.refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    gateway.socket.onopen?.();
    await settle();
    expect(gateway.socket.last("hello")["resume"]).toEqual({});
  });

  it("session waits as long as a draining gateway asks", async () => {
    const socket = await start();
    gateway.random = 0;
    socket.receive({ ev: "draining", reconnect_after_ms: 3_000 });
    await socket.refuse(1012);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(gateway.sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(gateway.sockets).toHaveLength(2);
  });

  it("session closes a silent socket and reconnects", async () => {
    const socket = await start();
    socket.answersPings = false;
    await vi.advanceTimersByTimeAsync(25_000);
    expect(socket.sent("ping")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(socket.closedWith).toBe(1000);
    expect(gateway.sockets).toHaveLength(2);
  });

  it("session closes a socket on which nothing arrives while a command waits", async () => {
    const socket = await start();
    socket.answersPings = false;
    client.submit({ cmd: "send", conversation: C, text: "hello" });
    await vi.advanceTimersByTimeAsync(10_001);
    expect(socket.closedWith).toBe(1000);
    await vi.advanceTimersByTimeAsync(1_000);
    await gateway.socket.accept({ [C]: 4 });
    expect(gateway.socket.last("send")).toMatchObject({ client_id: socket.last("send")["client_id"], text: "hello" });
  });

  it("session keeps a socket on which something arrives while a command waits", async () => {
    const socket = await start();
    client.submit({ cmd: "send", conversation: C, text: "hello" });
    await vi.advanceTimersByTimeAsync(9_000);
    socket.receive(messageEvent(textEntry(5)));
    await vi.advanceTimersByTimeAsync(1_001);
    expect([socket.closedWith, client.state]).toEqual([undefined, "online"]);
  });

  it("session leaves its socket at once when the network is lost", async () => {
    const socket = await start();
    client.networkLost();
    await settle();
    expect([socket.closedWith, client.state]).toEqual([1000, "connecting"]);
    client.wake();
    await settle();
    await gateway.socket.accept({ [C]: 4 });
    expect([gateway.sockets.length, client.state]).toEqual([2, "online"]);
  });

  it("session ignores unknown events and reports invalid frames", async () => {
    const socket = await start();
    const invalidFrame: string[] = [];
    client.on("invalidFrame", (error) => invalidFrame.push(error.name));
    socket.receive({ ev: "confetti", amount: 3 });
    socket.receive({ ev: "message", seq: "five" });
    socket.receive({ ...messageEvent({ ...textEntry(5) }), kind: "poll_opened", colour: "red" });
    expect(seqs).toEqual([5]);
    expect(invalidFrame).toEqual(["ShapeError"]);
  });
});

describe("session and its login", () => {
  it("session renews an expired token before reconnecting", async () => {
    gateway.answer("POST /v1/sessions/refresh", () => renewal(2));
    await (await start()).refuse(4001);
    await settle();
    gateway.socket.onopen?.();
    await settle();
    expect(gateway.socket.last("hello")["token"]).toBe("access-2");
  });

  it("open socket gets a renewed token", async () => {
    gateway.answer("POST /v1/sessions/refresh", () => renewal(2));
    const socket = await start();
    await vi.advanceTimersByTimeAsync(481_000);
    expect(gateway.sockets).toHaveLength(1);
    expect(socket.last("refresh")).toMatchObject({ token: "access-2" });
  });

  it("session does not reconnect after a remote logout", async () => {
    await (await start()).refuse(4501);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(gateway.sockets).toHaveLength(1);
    expect(ended).toEqual(["logged_out"]);
    expect(client.state).toBe("ended");
  });

  it("session does not reconnect after a protocol violation", async () => {
    await (await start()).refuse(4502);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(gateway.sockets).toHaveLength(1);
    expect(ended).toEqual(["refused"]);
  });

  it("session renews a refused token once, then ends", async () => {
    gateway.answer("POST /v1/sessions/refresh", () => renewal(2));
    await (await start()).refuse(4500);
    await settle();
    expect(gateway.sockets).toHaveLength(2);
    await gateway.socket.refuse(4500);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(gateway.sockets).toHaveLength(2);
    expect(ended).toEqual(["logged_out"]);
  });
});

describe("session without sockets", () => {
  const POLL = "POST /v1/poll";
  const forever = () => new Promise<object>(() => undefined);

  async function failSockets(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      await gateway.socket.refuse();
      if (at < count - 1) await vi.advanceTimersByTimeAsync(1_000 * 2 ** at);
    }
  }

  it("session polls with the same cursors after two failed sockets", async () => {
    let polls = 0;
    gateway.answer(POLL, () => {
      polls += 1;
      if (polls > 1) return forever();
      return { events: [messageEvent(textEntry(5)), messageEvent(textEntry(6))], resume: { [C]: 6 } };
    });
    await (await start()).refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    await failSockets(1);
    expect(gateway.called("/v1/poll")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(2_000);
    await failSockets(1);
    expect(gateway.called("/v1/poll")[0]?.body).toEqual({ resume: { [C]: 4 }, wait_ms: 0 });
    expect(client.state).toBe("polling");
    await vi.advanceTimersByTimeAsync(200);
    expect(seqs).toEqual([5, 6]);
    expect(gateway.called("/v1/poll")[1]?.body).toEqual({ resume: { [C]: 6 }, wait_ms: 25_000 });
  });

  it("first poll provides the heads when no socket worked", async () => {
    let polls = 0;
    gateway.answer(POLL, () => (++polls > 1 ? forever() : { events: [], resume: { [C]: 9 } }));
    client.start();
    await settle();
    await failSockets(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(gateway.called("/v1/poll").map((called) => called.body)).toEqual([
      { wait_ms: 0 },
      { resume: { [C]: 9 }, wait_ms: 25_000 },
    ]);
  });

  it("polling session sends over REST with the same client id and base seq", async () => {
    gateway.answer(POLL, forever);
    const socket = await start();
    const item = client.submit({ cmd: "send", conversation: C, text: "hello" });
    const { id: _, cmd: __, conversation: ___, ...overSocket } = socket.last("send");
    await socket.refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    let polls = 0;
    gateway.answer(POLL, () => (++polls > 1 ? forever() : { events: [], resume: { [C]: 4 } }));
    const message = textEntry(5, { sender: ME, client_id: item.client_id });
    gateway.answer(`POST /v1/conversations/${C}/messages`, () => ({ message, replayed: true }));
    await failSockets(1);
    await vi.advanceTimersByTimeAsync(2_000);
    await failSockets(1);
    const [called] = gateway.called(`/v1/conversations/${C}/messages`);
    expect(called?.body).toEqual({ client_id: item.client_id, text: "hello", base_seq: 4 });
    expect(overSocket).toEqual(called?.body);
  });

  it("polling session returns to a socket when one works", async () => {
    let polls = 0;
    gateway.answer(POLL, () => (++polls > 1 ? forever() : { events: [], resume: {} }));
    client.start();
    await settle();
    await failSockets(3);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(gateway.sockets).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(gateway.sockets).toHaveLength(4);
    await gateway.socket.accept({});
    expect(client.state).toBe("online");
    const before = gateway.called("/v1/poll").length;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(gateway.called("/v1/poll")).toHaveLength(before);
  });

  it("session reports when its next attempt starts", async () => {
    const retries: number[] = [];
    client.on("retryAt", (at) => retries.push(at - Date.now()));
    client.start();
    await settle();
    await failSockets(2);
    expect(retries).toEqual([1_000, 2_000]);
  });

  it("socket that was open for ten seconds resets the backoff", async () => {
    const retries: number[] = [];
    client.on("retryAt", (at) => retries.push(at - Date.now()));
    await start();
    for (const open_ms of [9_000, 9_000, 10_000, 10_000]) {
      await vi.advanceTimersByTimeAsync(open_ms);
      await gateway.socket.refuse(1006);
      await vi.advanceTimersByTimeAsync(retries.at(-1) ?? 0);
      await gateway.socket.accept({ [C]: 4 });
    }
    expect(retries).toEqual([1_000, 2_000, 1_000, 1_000]);
  });

  it("offline session reconnects at once when woken", async () => {
    client.start();
    await settle();
    await failSockets(2);
    await vi.advanceTimersByTimeAsync(10);
    expect(client.state).toBe("offline");
    const before = gateway.sockets.length;
    client.wake();
    await settle();
    expect(gateway.sockets).toHaveLength(before + 1);
  });

  it("polling session ends when the login has ended", async () => {
    gateway.answer(POLL, () => problem(401, "unauthenticated"));
    gateway.answer("POST /v1/sessions/refresh", () => problem(401, "unauthenticated"));
    client.start();
    await settle();
    await failSockets(2);
    await vi.advanceTimersByTimeAsync(100);
    expect(ended).toEqual(["logged_out"]);
    expect(logins.login).toBeUndefined();
  });
});
