import { beforeEach, describe, expect, it, vi } from "vitest";
import { Client, type EndReason } from "../../sdk";
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
  client = new Client({ surroundings: gateway.surroundings(), logins, unsent, name: "test" });
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

describe("a session on a socket", () => {
  it("says hello with the token, at first without cursors", async () => {
    const socket = await start();
    const hello = socket.last("hello");
    expect(hello).toEqual({ id: 1, cmd: "hello", token: "access-1", client: { name: "test", version: "0.1.0" } });
    expect(client.state).toBe("online");
  });

  it("comes back with the cursor map of what was delivered", async () => {
    const socket = await start({ [C]: 4, "7": 1 });
    socket.say(messageEvent(textEntry(5)));
    await socket.refuse(1006);
    await vi.advanceTimersByTimeAsync(1_000);
    gateway.socket.onopen?.();
    await settle();
    expect(gateway.socket.last("hello")["resume"]).toEqual({ [C]: 5, "7": 1 });
  });

  it("comes back with an empty map when there is no conversation yet", async () => {
    await (await start({})).refuse(1001);
    await vi.advanceTimersByTimeAsync(1_000);
    gateway.socket.onopen?.();
    await settle();
    expect(gateway.socket.last("hello")["resume"]).toEqual({});
  });

  it("delivers what was missed once, though it comes twice", async () => {
    const socket = await start();
    socket.say(messageEvent(textEntry(5)));
    await socket.refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    await gateway.socket.accept({ [C]: 6 });
    for (const seq of [5, 6, 6]) gateway.socket.say(messageEvent(textEntry(seq)));
    expect(seqs).toEqual([5, 6]);
  });

  it("asks history over the socket for a hole", async () => {
    const socket = await start();
    socket.say(messageEvent(textEntry(7)));
    const asked = socket.last("history");
    expect(asked).toEqual({ id: asked.id, cmd: "history", conversation: C, after_seq: 4, limit: 100 });
    socket.say({ re: asked.id, ok: { items: [5, 6, 7].map((seq) => textEntry(seq)), head_seq: 7 } });
    await settle();
    expect(seqs).toEqual([5, 6, 7]);
  });

  it("leaves out cursors that do not fit, and reads what the heads show", async () => {
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`29113993788391${at}`, 1]));
    await (await start({ ...many, [C]: 4 })).refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    await gateway.socket.accept({ ...many, [C]: 5 });
    expect(gateway.socket.last("hello")["resume"]).toBeUndefined();
    expect(gateway.socket.last("history")).toMatchObject({ conversation: C, after_seq: 4 });
  });

  it("forgets a conversation that was removed", async () => {
    const socket = await start();
    socket.say({ ev: "removed", conversation: C });
    await socket.refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    gateway.socket.onopen?.();
    await settle();
    expect(gateway.socket.last("hello")["resume"]).toEqual({});
  });

  it("waits as long as a draining gateway asks", async () => {
    const socket = await start();
    gateway.chance = 0;
    socket.say({ ev: "draining", reconnect_after_ms: 3_000 });
    await socket.refuse(1012);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(gateway.sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(gateway.sockets).toHaveLength(2);
  });

  it("closes a socket that has gone silent, and comes back", async () => {
    const socket = await start();
    socket.answersPings = false;
    await vi.advanceTimersByTimeAsync(25_000);
    expect(socket.sent("ping")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(socket.closedWith).toBe(1000);
    expect(gateway.sockets).toHaveLength(2);
  });

  it("ignores events and fields that it does not know, and says what it could not read", async () => {
    const socket = await start();
    const misread: string[] = [];
    client.on("misread", (error) => misread.push(error.name));
    socket.say({ ev: "confetti", amount: 3 });
    socket.say({ ev: "message", seq: "five" });
    socket.say({ ...messageEvent({ ...textEntry(5) }), kind: "poll_opened", colour: "red" });
    expect(seqs).toEqual([5]);
    expect(misread).toEqual(["ShapeError"]);
  });
});

describe("a session and its login", () => {
  it("renews an expired token before it comes back", async () => {
    gateway.answer("POST /v1/sessions/refresh", () => renewal(2));
    await (await start()).refuse(4001);
    await settle();
    gateway.socket.onopen?.();
    await settle();
    expect(gateway.socket.last("hello")["token"]).toBe("access-2");
  });

  it("gives a renewed token to the socket that is open", async () => {
    gateway.answer("POST /v1/sessions/refresh", () => renewal(2));
    const socket = await start();
    await vi.advanceTimersByTimeAsync(481_000);
    expect(gateway.sockets).toHaveLength(1);
    expect(socket.last("refresh")).toMatchObject({ token: "access-2" });
  });

  it("does not come back after a log-out elsewhere", async () => {
    await (await start()).refuse(4501);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(gateway.sockets).toHaveLength(1);
    expect(ended).toEqual(["logged_out"]);
    expect(client.state).toBe("ended");
  });

  it("does not come back after breaking the protocol", async () => {
    await (await start()).refuse(4502);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(gateway.sockets).toHaveLength(1);
    expect(ended).toEqual(["refused"]);
  });

  it("renews a refused token once, and ends when that does not help", async () => {
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

describe("a session without sockets", () => {
  const POLL = "POST /v1/poll";
  const forever = () => new Promise<object>(() => undefined);

  async function failSockets(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      await gateway.socket.refuse();
      if (at < count - 1) await vi.advanceTimersByTimeAsync(1_000 * 2 ** at);
    }
  }

  it("polls after two failed sockets, from the same cursors", async () => {
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

  it("learns the heads from its first poll when it never had a socket", async () => {
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

  it("sends over REST while it polls, with the same client id and base seq", async () => {
    gateway.answer(POLL, forever);
    const socket = await start();
    const item = client.enter({ cmd: "send", conversation: C, text: "hello" });
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

  it("tries a socket again later, and ends its polls when it has one", async () => {
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

  it("is offline while neither works, and comes back at once when it is woken", async () => {
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

  it("ends when the polls learn that the login is over", async () => {
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
