// Random schedules of faults: every sent message is stored exactly once and in order, and every view shows the log.
//
// CONFAB_SCHEDULES is the number of schedules, 300 by default, and CONFAB_FIRST_SEED the seed of the first. A failure names its
// seed.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Confab, createConfab, memoryStore, type Room, type Store } from "../../sdk/index";
import { createFakeServer, type FakeServer, type Fault } from "../../sdk/testing";
import type { FakeTab } from "../../sdk/testing_browser";

const SCHEDULES = Number(process.env["CONFAB_SCHEDULES"] ?? 300);
const FIRST = Number(process.env["CONFAB_FIRST_SEED"] ?? 1);
const STEPS = 14;
const SETTLE_MS = 120_000;
const REQUEST_FAULTS: Fault[] = ["lost", "answer lost"];
const EVENT_FAULTS: Fault[] = ["lost", "repeated", "late"];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Returns random numbers from a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A tab: a client with a view of the group. Tabs of one user share a browser and a store. */
interface Tab {
  username: string;
  tab: FakeTab;
  confab: Confab;
  room: Room;
  sent: string[];
}

class Schedule {
  readonly server: FakeServer = createFakeServer();
  readonly group = this.server.group("Group", ["ada", "grace"]);
  private readonly random: () => number;
  private readonly stores: Record<string, Store> = { ada: memoryStore(), grace: memoryStore() };
  private readonly browsers = { ada: this.server.browser(), grace: this.server.browser() };
  private isStoreBroken = false;
  private faultRate = 0;
  private readonly tabs: Tab[] = [];
  private readonly closed: Tab[] = [];
  private texts = 0;

  constructor(seed: number) {
    this.random = randomFrom(seed);
    this.server.fault = (what) => {
      if (this.random() >= this.faultRate) return undefined;
      const faults = what === "event" ? EVENT_FAULTS : REQUEST_FAULTS;
      return faults[Math.floor(this.random() * faults.length)];
    };
  }

  async run(): Promise<void> {
    await this.openTab("ada");
    await this.openTab("ada");
    await this.openTab("grace");
    for (let step = 0; step < STEPS; step += 1) await this.step();
    this.faultRate = 0;
    this.server.isOffline = false;
    this.isStoreBroken = false;
    this.server.dropSockets(); // a lost event is noticed with the next one, or by a new socket
    for (const { tab } of this.tabs) tab.thaw();
    for (const { confab } of this.tabs) confab.wake();
    await vi.advanceTimersByTimeAsync(SETTLE_MS);
    this.check();
    for (const { confab } of this.tabs) confab.close();
    expect(this.server.connections).toBe(0);
  }

  private async step(): Promise<void> {
    const chance = this.random();
    const tab = this.tabs[Math.floor(this.random() * this.tabs.length)] as Tab;
    if (chance < 0.45) this.send(tab);
    else if (chance < 0.55) this.server.dropSockets();
    else if (chance < 0.65) this.server.isOffline = !this.server.isOffline;
    else if (chance < 0.75) this.faultRate = this.random() * 0.4;
    else if (chance < 0.85) this.isStoreBroken = !this.isStoreBroken;
    else if (chance < 0.89) tab.tab.freeze();
    else if (chance < 0.93) tab.tab.thaw();
    else await this.switchTab(tab);
    await vi.advanceTimersByTimeAsync(this.random() * 4_000);
  }

  private send(tab: Tab): void {
    const text = `text ${++this.texts}`;
    tab.sent.push(text);
    tab.room.send(text).catch(() => undefined);
  }

  /** Closes or kills a tab, and opens another one of the same user. The only tab of a user must have stored everything. */
  private async switchTab(tab: Tab): Promise<void> {
    const isOnly = this.tabs.filter((it) => it.username === tab.username).length === 1;
    const isUnsure = this.isStoreBroken || tab.room.state.messages.some((it) => it.state !== "sent");
    if (this.server.isOffline || this.faultRate > 0 || (isOnly && isUnsure)) return;
    if (this.random() < 0.5) tab.tab.kill();
    else tab.confab.close();
    this.closed.push(tab);
    this.tabs.splice(this.tabs.indexOf(tab), 1);
    await this.openTab(tab.username);
  }

  private async openTab(username: string): Promise<void> {
    const tab = this.browsers[username as "ada" | "grace"].openTab();
    const shared = this.stores[username] as Store;
    const write: Store["write"] = (key, value) => (this.isStoreBroken ? Promise.reject(new Error("full")) : shared.write(key, value));
    const confab = createConfab({
      url: this.server.url, auth: { username, password: "secret" }, store: { ...shared, write },
      environment: { ...tab.environment, random: this.random },
    });
    const room = confab.conversation(this.group);
    await vi.advanceTimersByTimeAsync(2_000);
    this.tabs.push({ username, tab, confab, room: await room, sent: [] });
  }

  private check(): void {
    expect(this.server.connections).toBe(2);
    const stored = this.server.texts(this.group);
    const sent = [...this.tabs, ...this.closed].map((tab) => tab.sent);
    expect([...stored].sort()).toEqual(sent.flat().sort());
    for (const texts of sent) expect(stored.filter((text) => texts.includes(text))).toEqual(texts);
    for (const { room } of this.tabs) expect(room.state.messages.map((it) => `${it.text} ${it.state}`)).toEqual(stored.map((text) => `${text} sent`));
  }
}

it(`every message is stored once, in order and shown by every view in ${SCHEDULES} random schedules`, async () => {
  for (let seed = FIRST; seed < FIRST + SCHEDULES; seed += 1) {
    try {
      await new Schedule(seed).run();
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
    vi.clearAllTimers();
  }
}, 1_800_000);
