import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Confab, createConfab, memoryStore, type Room, type Store } from "../../sdk/index";
import { Election } from "../../sdk/election";
import { TabCommands } from "../../sdk/tab_commands";
import { createFakeServer, type FakeServer } from "../../sdk/testing";
import type { FakeBrowser, FakeTab } from "../../sdk/testing_browser";
import { FakeGateway, FakeTransport } from "./gateway";

interface Opened {
  tab: FakeTab;
  confab: Confab;
  room: Room;
}

let server: FakeServer;
let browser: FakeBrowser;
let group: string;
let store: Store;
let opened: Opened[];

beforeEach(() => {
  vi.useFakeTimers();
  server = createFakeServer();
  browser = server.browser();
  group = server.group("Picnic", ["ada", "grace"]);
  store = memoryStore();
  opened = [];
});
afterEach(() => opened.forEach(({ confab }) => confab.close()));

const settle = () => vi.advanceTimersByTimeAsync(20);
const second = () => vi.advanceTimersByTimeAsync(1_000);
const texts = ({ room }: Opened) => room.state.messages.map((it) => `${it.text} ${it.state}`);
const views = () => opened.map(texts);
const send = ({ room }: Opened, text: string) => void room.send(text).catch(() => undefined);

async function open(environment: object = {}): Promise<Opened> {
  const tab = browser.openTab();
  const auth = { username: "ada", password: "secret" };
  const confab = createConfab({ url: server.url, auth, store, environment: { ...tab.environment, ...environment } });
  const room = confab.conversation(group);
  await settle();
  const it = { tab, confab, room: await room };
  opened.push(it);
  return it;
}

function forget(it: Opened): void {
  opened.splice(opened.indexOf(it), 1);
}

describe("tabs of one login", () => {
  it("tabs share one connection, and each shows every message once", async () => {
    const tabs = [await open(), await open(), await open()];
    for (const [at, tab] of tabs.entries()) send(tab, `${at}`);
    server.say(group, "grace", "hi");
    await settle();
    expect(server.connections).toBe(1);
    expect(views()).toEqual(Array(3).fill(server.texts(group).map((text) => `${text} sent`)));
    expect(server.texts(group)).toHaveLength(4);
    expect(tabs.map(({ confab }) => confab.state.name)).toEqual(["online", "online", "online"]);
  });

  it("unsent message is shown by all tabs, and by one that is opened later", async () => {
    await open();
    const second_tab = await open();
    server.isOffline = true;
    server.dropSockets();
    await settle();
    send(second_tab, "later");
    await settle();
    expect(views()).toEqual([["later pending"], ["later pending"]]);
    server.isOffline = false;
    await open();
    opened.forEach(({ confab }) => confab.wake());
    await settle();
    expect(views()).toEqual([["later sent"], ["later sent"], ["later sent"]]);
  });

  it("another tab takes over within a second when the leader is closed while it sends", async () => {
    const leader = await open();
    const other = await open();
    server.fault = (what) => (what === "send" ? "lost" : undefined);
    send(other, "one");
    send(leader, "two");
    await settle();
    leader.confab.close();
    forget(leader);
    server.fault = () => undefined;
    await second();
    expect([server.connections, server.texts(group), views()]).toEqual([1, ["one", "two"], [["one sent", "two sent"]]]);
  });

  it.each([true, false])("message is stored once when the leader crashes before the answer, with a full storage: %s", async (isFull) => {
    if (isFull) store.write = () => Promise.reject(new Error("full"));
    const leader = await open();
    const other = await open();
    server.fault = (what) => {
      if (what !== "send") return undefined;
      leader.tab.kill();
      server.fault = () => undefined;
      return "answer lost";
    };
    send(other, "once");
    send(other, "then");
    await second();
    forget(leader);
    expect([server.texts(group), views()]).toEqual([["once", "then"], [["once sent", "then sent"]]]);
  });

  it("another tab takes over within a second when the leader is frozen", async () => {
    const leader = await open();
    const other = await open();
    leader.tab.freeze();
    send(other, "hello");
    await second();
    server.say(group, "grace", "hi");
    await settle();
    expect(texts(other)).toEqual(["hello sent", "hi sent"]);
    leader.tab.thaw();
    send(leader, "back");
    await second();
    const all = ["hello sent", "hi sent", "back sent"];
    expect([server.connections, server.texts(group).length, views()]).toEqual([1, 3, [all, all]]);
  });

  it("tab with the connection reconnects in time when the browser delays its timers", async () => {
    let isHidden = false;
    const leader = await open({
      after: (ms: number, work: () => void) => {
        const timer = setTimeout(work, isHidden ? 600_000 : ms);
        return () => clearTimeout(timer);
      },
    });
    await open();
    isHidden = true;
    server.dropSockets();
    await vi.advanceTimersByTimeAsync(3_000);
    expect([server.connections, opened.map(({ confab }) => confab.state.name)]).toEqual([1, ["online", "online"]]);
    isHidden = false;
    forget(leader);
    leader.tab.kill();
  });

  it("tab that is frozen for long shows what it has missed", async () => {
    await open();
    const frozen = await open();
    frozen.tab.freeze();
    for (let at = 0; at < 5; at += 1) server.say(group, "grace", `${at}`);
    await second();
    frozen.tab.thaw();
    await second();
    expect(texts(frozen)).toEqual(["0 sent", "1 sent", "2 sent", "3 sent", "4 sent"]);
    expect(server.connections).toBe(1);
  });

  it("refused message fails in all tabs, and can be discarded in any of them", async () => {
    const leader = await open();
    const other = await open();
    server.log.execute = () => {
      throw new Error("forbidden");
    };
    const refused = other.room.send("no").catch((error: unknown) => error);
    await settle();
    expect(await refused).toMatchObject({ code: "forbidden" });
    expect(views()).toEqual([["no failed"], ["no failed"]]);
    leader.room.discard(leader.room.state.messages[0]?.client_id ?? "");
    await settle();
    expect(views()).toEqual([[], []]);
  });

  it("log-out in one tab ends all of them", async () => {
    const tabs = [await open(), await open(), await open()];
    const leaving = tabs[1]?.confab.logOut();
    await settle();
    await leaving;
    expect(tabs.map(({ confab }) => confab.state)).toEqual(Array(3).fill({ name: "ended", reason: "logged_out" }));
    await second();
    expect([server.connections, Object.keys(await store.load())]).toEqual([0, []]);
  });

  it("one tab logs in, and only the leader renews the tokens", async () => {
    const calls: string[] = [];
    server.fault = (what) => void calls.push(what) as undefined;
    const auth = { username: "ada", password: "secret" };
    const tabs = [1, 2].map(() => createConfab({ url: server.url, auth, store, environment: browser.openTab().environment }));
    await vi.advanceTimersByTimeAsync(500_000);
    tabs.forEach((tab) => tab.close());
    const count = (what: string) => calls.filter((it) => it === what).length;
    expect([count("POST /v1/sessions"), count("POST /v1/sessions/refresh"), count("refresh")]).toEqual([1, 1, 1]);
  });

  it.each([{ locks: undefined }, { openChannel: undefined }])("each tab connects itself when the browser lacks %o", async (lack) => {
    const tabs = [await open(lack), await open(lack)];
    tabs.forEach((tab) => send(tab, "hi"));
    await settle();
    expect([server.connections, server.texts(group)]).toEqual([2, ["hi", "hi"]]);
  });

  it("tab connects when locks are forbidden", async () => {
    const locks = { request: () => Promise.reject(new DOMException("sandboxed", "SecurityError")) };
    const tab = await open({ locks });
    send(tab, "hi");
    await settle();
    expect([server.connections, texts(tab)]).toEqual([1, ["hi sent"]]);
  });
});

describe("election", () => {
  it("lock that is granted after the tab has left is released, and the tab does not lead", async () => {
    const granted: (() => Promise<unknown>)[] = [];
    const lead = vi.fn();
    const request = (_name: string, _options: object, work: () => Promise<unknown>) => new Promise<never>(() => granted.push(work));
    const election = new Election({ request }, "login", { lead, stepDown: () => undefined });
    election.join();
    election.steal();
    election.leave();
    for (const work of granted) await work();
    expect([granted.length, lead.mock.calls.length]).toEqual([2, 0]);
  });
});

describe("commands of several tabs", () => {
  const make = () => {
    const transport = new FakeTransport();
    return { transport, commands: new TabCommands(new FakeGateway().environment(), transport) };
  };

  it("user is watched until no tab watches them", async () => {
    const { transport, commands } = make();
    void commands.execute("a", { cmd: "watch", users: ["1", "2"] });
    void commands.execute("b", { cmd: "watch", users: ["1"] });
    void commands.execute("a", { cmd: "unwatch", users: ["1", "2"] });
    commands.forget("b");
    expect(transport.commands.slice(2)).toEqual([{ cmd: "unwatch", users: ["2"] }, { cmd: "unwatch", users: ["1"] }]);
  });

  it("device is away when all tabs are, or have said nothing for long", async () => {
    const { transport, commands } = make();
    const away = (tab: string, on: boolean) => void commands.execute(tab, { cmd: "away", on });
    commands.hear("b");
    commands.hear("c");
    away("a", true);
    await vi.advanceTimersByTimeAsync(80_000);
    commands.hear("b");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(transport.commands).toEqual([]);
    away("b", true);
    away("a", false);
    expect(transport.commands).toEqual([{ cmd: "away", on: true }, { cmd: "away", on: false }]);
  });

  it("receipt that another tab has sent is not sent again, unless it failed", async () => {
    const { transport, commands } = make();
    const receipt = (tab: string) => commands.execute(tab, { cmd: "receipt", conversation: "1", read_seq: 5 });
    const failed = receipt("a").catch(() => undefined);
    await transport.fail(new Error("lost"));
    await failed;
    const sent = receipt("b");
    await transport.ok();
    await sent;
    await receipt("a");
    expect(transport.commands).toHaveLength(2);
  });
});
