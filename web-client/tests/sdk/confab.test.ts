import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Confab, type ConfabState, createConfab, ConfabError, LoggedOut, memoryStore, type Room, type Store } from "../../sdk/index";
import { createFakeServer, type FakeServer } from "../../sdk/testing";

let server: FakeServer;
let group: string;
let opened: Confab[];

beforeEach(() => {
  vi.useFakeTimers();
  server = createFakeServer();
  group = server.group("Picnic", ["ada", "grace"]);
  opened = [];
});
afterEach(() => opened.forEach((confab) => confab.close()));

const PASSWORD = "correct horse battery";
const settle = () => vi.advanceTimersByTimeAsync(10);

function connect(store: Store = memoryStore(), username = "ada"): Confab {
  const confab = createConfab({ url: server.url, auth: { username, password: PASSWORD }, store, environment: server.environment });
  opened.push(confab);
  return confab;
}

async function roomOf(confab: Confab): Promise<Room> {
  const room = confab.conversation(group);
  await settle();
  return room;
}

const texts = (room: Room) => room.state.messages.map((it) => `${it.text} ${it.state}`);

describe("sending", () => {
  it("send resolves with the stored message", async () => {
    const room = await roomOf(connect());
    const sent = room.send("hi");
    expect(texts(room)).toEqual(["hi pending"]);
    await settle();
    expect(await sent).toMatchObject({ seq: 3, text: "hi", state: "sent" });
    expect([texts(room), server.texts(group)]).toEqual([["hi sent"], ["hi"]]);
  });

  it("send resolves after a reconnect, and the text is stored once, when the answer was lost", async () => {
    const room = await roomOf(connect());
    let losses = 1;
    server.fault = (what) => (what === "send" && losses-- > 0 ? "answer lost" : undefined);
    const sent = room.send("hi");
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await sent).seq).toBe(3);
    expect([texts(room), server.texts(group)]).toEqual([["hi sent"], ["hi"]]);
  });

  it("send is rejected and the message fails when the server refuses", async () => {
    const room = await roomOf(connect());
    server.log.execute = () => {
      throw new Error("forbidden");
    };
    const refused = room.send("hi").catch((error: unknown) => error);
    await settle();
    const error = await refused;
    expect(error).toBeInstanceOf(ConfabError);
    expect((error as ConfabError).code).toBe("forbidden");
    expect(texts(room)).toEqual(["hi failed"]);
    room.discard(room.state.messages[0]?.client_id ?? "");
    expect(texts(room)).toEqual([]);
  });

  it("unsent message is sent by the next client of the same store", async () => {
    const store = memoryStore();
    const first = connect(store);
    const room = await roomOf(first);
    server.isOffline = true;
    server.dropSockets();
    await settle();
    room.send("later").catch(() => undefined);
    await settle();
    first.close();
    server.isOffline = false;
    const next = await roomOf(connect(store));
    await settle();
    expect([texts(next), server.texts(group)]).toEqual([["later sent"], ["later"]]);
  });

  const unkept = (room: Room) => room.state.messages.filter((it) => it.isUnkept).map((it) => it.text);
  const fail = () => {
    throw new Error("blocked");
  };

  it("messages are marked, and sent once after a reconnect, when the storage is full", async () => {
    const store = memoryStore();
    const confab = connect(store);
    const unsaved: string[] = [];
    confab.on("unsaved", (item) => unsaved.push(item.conversation));
    const room = await roomOf(confab);
    const { write } = store;
    store.write = () => Promise.reject(new Error("full"));
    server.isOffline = true;
    server.dropSockets();
    await settle();
    for (const text of ["a", "b", "c"]) room.send(text).catch(() => undefined);
    await settle();
    expect([unkept(room), unsaved]).toEqual([["a", "b", "c"], [group, group, group]]);
    for (const isOffline of [false, true, false]) {
      server.isOffline = isOffline;
      server.dropSockets();
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect([texts(room), server.texts(group), unkept(room)]).toEqual([["a sent", "b sent", "c sent"], ["a", "b", "c"], []]);
    store.write = write;
  });

  it("message is no longer marked when there is room for it again", async () => {
    const store = memoryStore();
    const room = await roomOf(connect(store));
    const { write } = store;
    store.write = () => Promise.reject(new Error("full"));
    server.isOffline = true;
    server.dropSockets();
    await settle();
    room.send("a").catch(() => undefined);
    await settle();
    expect(unkept(room)).toEqual(["a"]);
    store.write = write;
    room.send("b").catch(() => undefined);
    await settle();
    expect([unkept(room), Object.keys(await store.load()).filter((key) => key.startsWith("unsent.")).length]).toEqual([[], 2]);
  });

  it.each([
    ["throws", { load: fail, write: fail, remove: fail }],
    ["rejects", { load: async () => fail(), write: async () => fail(), remove: async () => fail() }],
  ])("client works from memory when the storage is blocked and %s", async (_, broken) => {
    const confab = connect({ ...memoryStore(), ...broken });
    const unsaved: string[] = [];
    confab.on("unsaved", (item) => unsaved.push(item.conversation));
    const room = await roomOf(confab);
    void room.send("hi");
    await settle();
    expect([server.texts(group), unsaved]).toEqual([["hi"], [group]]);
  });
});

describe("room", () => {
  it("messages by others arrive in the state, in order, also after a lost connection", async () => {
    const room = await roomOf(connect());
    server.say(group, "grace", "one");
    await settle();
    server.isOffline = true;
    server.dropSockets();
    server.say(group, "grace", "two");
    await vi.advanceTimersByTimeAsync(20_000);
    server.isOffline = false;
    await vi.advanceTimersByTimeAsync(60_000);
    server.say(group, "grace", "three");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(texts(room)).toEqual(["one sent", "two sent", "three sent"]);
  });

  it("message that arrives while the room is opened is in its state once", async () => {
    const confab = connect();
    await confab.me();
    const opening = confab.conversation(group);
    await vi.advanceTimersByTimeAsync(0);
    server.say(group, "grace", "early");
    await settle();
    expect(texts(await opening)).toEqual(["early sent"]);
  });

  it("message that is written before the first connection is in the state", async () => {
    server.fault = (what) => (what === "open" || what === "POST /v1/poll" ? "lost" : undefined);
    const room = await roomOf(connect());
    server.say(group, "grace", "early");
    server.fault = () => undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(texts(room)).toEqual(["early sent"]);
  });

  it("edits, redactions and reactions change the message", async () => {
    const room = await roomOf(connect());
    const { seq = 0 } = await both(room.send("a"));
    room.edit(seq, "b");
    room.react(seq, "👍");
    await settle();
    expect(room.state.messages[0]).toMatchObject({ text: "b", isEdited: true, reactions: [{ emoji: "👍" }] });
    room.redact(seq);
    await settle();
    expect(room.state.messages[0]).toMatchObject({ text: "", isRedacted: true, reactions: [] });
  });

  it("history yields all messages from the newest to the oldest", async () => {
    for (let at = 0; at < 130; at += 1) server.say(group, "grace", `${at}`);
    const room = await roomOf(connect());
    const all: string[] = [];
    for await (const message of room.history()) all.push(message.text);
    expect(all).toEqual(Array.from({ length: 130 }, (_, at) => `${129 - at}`));
    const before: number[] = [];
    for await (const { seq } of room.history({ before: 5 })) before.push(seq ?? 0);
    expect(before).toEqual([4, 3]);
  });

  it("calls with the same id return the same room", async () => {
    const confab = connect();
    expect(await roomOf(confab)).toBe(await roomOf(confab));
  });
});

describe("connection", () => {
  const states = (confab: Confab) => {
    const names: ConfabState["name"][] = [];
    confab.on("state", ({ name }) => names.push(name));
    return names;
  };

  it("state goes from connecting to online, and through reconnecting back", async () => {
    const confab = connect();
    const names = states(confab);
    await roomOf(confab);
    server.dropSockets();
    await vi.advanceTimersByTimeAsync(5_000);
    confab.close();
    expect(names).toEqual(["online", "connecting", "reconnecting", "online", "ended"]);
  });

  it("client connects when the server appears later", async () => {
    server.isOffline = true;
    const confab = connect();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(confab.state.name).toBe("reconnecting");
    server.isOffline = false;
    confab.wake();
    await settle();
    expect(confab.state).toEqual({ name: "online", transport: "socket" });
  });

  it("lost network is noticed at once, and the client reconnects at once when it is back", async () => {
    let changed: (isBack: boolean) => void = () => undefined;
    const ended = vi.fn();
    const watchNetwork = (listener: typeof changed) => {
      changed = listener;
      return ended;
    };
    const auth = { username: "ada", password: PASSWORD };
    const confab = createConfab({ url: server.url, auth, store: memoryStore(), environment: { ...server.environment, watchNetwork } });
    await settle();
    server.isOffline = true;
    changed(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(confab.state.name).not.toBe("online");
    await vi.advanceTimersByTimeAsync(40_000);
    server.isOffline = false;
    changed(true);
    await settle();
    expect([confab.state.name, ended.mock.calls.length]).toEqual(["online", 0]);
    confab.close();
    expect(ended).toHaveBeenCalledOnce();
  });

  it("refused login ends the client, and its calls fail", async () => {
    server.fault = () => undefined;
    const confab = createConfab({ url: server.url, auth: { getToken: async () => "wrong" }, environment: server.environment });
    const failed = confab.conversation(group).catch((error: unknown) => error);
    await settle();
    expect(await failed).toBeInstanceOf(LoggedOut);
    expect(confab.state).toEqual({ name: "ended", reason: "logged_out" });
  });

  it("app's token is used, and asked for again when it is refused", async () => {
    server.user("ada");
    const tokens = ["expired", "access-ada"];
    const confab = createConfab({
      url: server.url, auth: { getToken: async () => tokens.shift() ?? "none" }, store: memoryStore(), environment: server.environment,
    });
    opened.push(confab);
    await settle();
    expect([confab.state.name, (await confab.me()).username]).toEqual(["online", "ada"]);
  });

  it("log-in is kept for the next client, and not used for another user", async () => {
    const store = memoryStore();
    let logIns = 0;
    server.fault = (what) => void (logIns += what === "POST /v1/sessions" ? 1 : 0) as undefined;
    for (const username of ["ada", "ada", "grace"]) {
      const confab = connect(store, username);
      expect((await both(confab.me())).username).toBe(username);
      confab.close();
    }
    expect(logIns).toBe(2);
  });

  it.each(["socket", "polling"] as const)("nothing runs after a listener has closed the connection when it was %s", async (transport) => {
    server.fault = (what) => (what === "open" && transport === "polling" ? "lost" : undefined);
    const confab = connect();
    confab.on("state", (state) => state.name === "online" && confab.close());
    await vi.advanceTimersByTimeAsync(30_000);
    expect([confab.state, vi.getTimerCount()]).toEqual([{ name: "ended", reason: "stopped" }, 0]);
  });

  it("log-out removes everything from the store", async () => {
    const store = memoryStore();
    const confab = connect(store);
    await roomOf(confab);
    await both(confab.logOut());
    expect(Object.keys(await store.load())).toEqual([]);
  });

  it("listener that throws does not keep the others from their events", async () => {
    const room = await roomOf(connect());
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    const heard: string[] = [];
    room.on("message", () => {
      throw new Error("mine");
    });
    room.on("message", ({ text }) => heard.push(text));
    server.say(group, "grace", "hi");
    await settle();
    vi.unstubAllGlobals();
    expect([heard, reported.mock.calls.length]).toEqual([["hi"], 1]);
  });
});

/** Waits for a promise while timers run. */
async function both<T>(work: Promise<T>): Promise<T> {
  await settle();
  return work;
}
