// The entry of the SDK: one connection of one user, with its state and its conversations.

import { AppTokens } from "./app_tokens.js";
import { patientDelayMs, SOCKET_BACKOFF } from "./backoff.js";
import { Client, type ClientEvents, type ShareSession } from "./client.js";
import { Emitter } from "./emitter.js";
import { type Environment, browserEnvironment } from "./environment.js";
import { isRetryable, LoggedOut } from "./error.js";
import { type Kept, openKept } from "./kept.js";
import { Pause } from "./pause.js";
import { Rest } from "./rest.js";
import { Room } from "./room.js";
import type { EndReason, SessionState } from "./session.js";
import type { Store } from "./store.js";
import { Tokens } from "./tokens.js";
import type { Conversation, Me } from "./wire.js";

const LIST_PAGE = 100;

/** The options of `createConfab`. */
export interface ConfabOptions {
  /** The gateway's URL, such as `https://chat.example.org`. */
  url: string;
  /** The user's name and password, or a function that returns an access token of the user. */
  auth: { username: string; password: string; device?: string } | { getToken: () => Promise<string> };
  /** Keeps the login and unsent messages. By default IndexedDB in browsers, and memory elsewhere. */
  store?: Store;
  /** Replaces parts of the environment, such as `fetch`, `now` or `openSocket`. */
  environment?: Partial<Environment>;
}

/** The state of the connection. */
export type ConfabState =
  | { name: "connecting" }
  | { name: "online"; transport: "socket" | "polling" }
  | { name: "reconnecting"; attempt: number; retryAt: number }
  | { name: "offline" }
  | { name: "ended"; reason: EndReason };

/** What a `Confab` reports. */
export interface ConfabEvents extends Pick<ClientEvents, "entry" | "conversation" | "removed" | "presence" | "unsaved"> {
  state: ConfabState;
}

/** Connects a user, and returns at once. Calls wait for the connection. */
export function createConfab(options: ConfabOptions): Confab {
  return new Confab(options);
}

/** One user, connected to a server. It reconnects until `close` or `logOut`. */
export class Confab extends Emitter<ConfabEvents> {
  #current: ConfabState = { name: "connecting" };
  #attempt = 0;
  #kept: Kept | undefined;
  #client: Client | undefined;
  #rooms = new Map<string, Promise<Room>>();
  #isClosed = false;
  readonly #environment: Environment;
  readonly #pause: Pause;
  readonly #unwatch: (() => void) | undefined;
  readonly #ready: Promise<{ client: Client; me: Me }>;

  constructor(private readonly options: ConfabOptions) {
    super();
    this.#environment = { ...browserEnvironment(options.url), ...options.environment };
    this.#pause = new Pause(this.#environment);
    this.#unwatch = this.#environment.watchNetwork?.((isBack) => (isBack ? this.wake() : this.#client?.networkLost()));
    this.#ready = this.#start();
    this.#ready.catch(() => undefined); // each call reports it
  }

  get state(): ConfabState {
    return this.#current;
  }

  /** Returns this user. */
  async me(): Promise<Me> {
    return (await this.#ready).me;
  }

  /** Opens a conversation. Calls with the same id return the same room. */
  conversation(id: string): Promise<Room> {
    const opened = this.#rooms.get(id) ?? this.#openRoom(id);
    this.#rooms.set(id, opened);
    opened.catch(() => this.#rooms.delete(id));
    return opened;
  }

  /** Opens the direct conversation with a user, whose id or user name is given. */
  async direct(user: string): Promise<Room> {
    const { client } = await this.#ready;
    const id = /^\d+$/.test(user) ? user : (await client.rest.searchUsers(user)).find((it) => it.username === user)?.id;
    return this.conversation((await client.rest.openDirect(id ?? user)).id);
  }

  /** Creates a group with users, by their ids. */
  async group(title: string, members: string[]): Promise<Room> {
    const { client } = await this.#ready;
    return this.conversation((await client.rest.createGroup({ title, members }, client.newId())).id);
  }

  /** Yields all conversations, newest activity first. */
  async *conversations(): AsyncGenerator<Conversation> {
    const { client } = await this.#ready;
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor; isFirst = false) {
      const page = await client.rest.conversations(cursor, LIST_PAGE);
      yield* page.items;
      cursor = page.next_cursor;
    }
  }

  /** Returns the REST calls and the events below this interface. */
  async lowLevel(): Promise<Client> {
    return (await this.#ready).client;
  }

  /** Tries to connect now. In browsers this happens by itself when the network is back. */
  wake(): void {
    this.#pause.wake();
    this.#client?.wake();
  }

  /** Ends the connection. Unsent messages stay in the store. */
  close(): void {
    this.#end("stopped");
  }

  /** Ends the login in all tabs, and removes everything that is kept here. */
  async logOut(): Promise<void> {
    const { client } = await this.#ready;
    this.#end("logged_out");
    await client.rest.logOut().catch(() => undefined); // what is kept here is removed even if this fails
    await this.#kept?.clear();
  }

  #end(reason: EndReason): void {
    this.#isClosed = true;
    this.#pause.wake();
    this.#client?.stop(reason);
    this.#setState({ name: "ended", reason });
  }

  async #start(): Promise<{ client: Client; me: Me }> {
    const { auth, url, store } = this.options;
    const username = "username" in auth ? auth.username : undefined;
    const kept = await openKept(store ?? this.#environment.openStore(`confab ${url} ${username ?? ""}`), username);
    this.#kept = kept;
    const tokens = "getToken" in auth ? new AppTokens(auth.getToken) : new Tokens(this.#environment, kept.logins);
    const rest = new Rest(this.#environment, tokens);
    if ("username" in auth) await this.#retried(() => kept.logins.exclusive(async () => kept.logins.load() ?? rest.logIn(auth)));
    const me = await this.#retried(() => rest.me());
    const share = await this.#share(`confab ${url} ${kept.logins.load()?.id ?? me.id}`);
    const client = new Client({ environment: this.#environment, tokens, unsent: kept.unsent, name: "confab-client", share });
    this.#follow(client);
    client.outbox.restore();
    this.#client = client;
    client.start();
    return { client, me };
  }

  /** Loads what shares the connection, where it can be shared. If it cannot be loaded, this client has its own connection. */
  async #share(name: string): Promise<ShareSession | undefined> {
    const { locks, openChannel } = this.#environment;
    if (!locks || !openChannel) return undefined;
    return import("./tabs.js").then(({ shareAmongTabs }) => shareAmongTabs(name), () => undefined);
  }

  /** Repeats a call until there is an answer. A refusal ends this client. */
  async #retried<T>(work: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures += 1) {
      if (this.#isClosed) throw new LoggedOut("this client is closed");
      try {
        return await work();
      } catch (error) {
        if (!isRetryable(error)) {
          this.#setState({ name: "ended", reason: "logged_out" });
          throw error;
        }
        const delay_ms = patientDelayMs(SOCKET_BACKOFF, failures, this.#environment.random());
        this.#setState({ name: "reconnecting", attempt: failures + 1, retryAt: this.#environment.now() + delay_ms });
        await this.#pause.wait(delay_ms);
      }
    }
  }

  #follow(client: Client): void {
    client.on("state", (state) => this.#setState(this.#stateOf(state)));
    client.on("retryAt", (retryAt) => {
      this.#attempt += 1;
      if (this.#current.name !== "online") this.#setState({ name: "reconnecting", attempt: this.#attempt, retryAt });
    });
    client.on("ended", (reason) => this.#setState({ name: "ended", reason }));
    client.on("removed", (id) => this.#rooms.delete(id));
    this.relay(client, "entry", "conversation", "removed", "presence", "unsaved");
  }

  #stateOf(state: SessionState): ConfabState {
    switch (state) {
      case "online":
      case "polling":
        this.#attempt = 0;
        return { name: "online", transport: state === "online" ? "socket" : "polling" };
      case "offline":
        return { name: "offline" };
      case "connecting":
        return this.#current.name === "reconnecting" ? this.#current : { name: "connecting" };
      case "ended":
        return this.#current; // the reason comes with the event `ended`
    }
  }

  async #openRoom(id: string): Promise<Room> {
    const { client, me } = await this.#ready;
    return Room.open(client, me.id, id);
  }

  #setState(state: ConfabState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#current)) return;
    this.#current = state;
    if (state.name === "ended") this.#unwatch?.();
    this.emit("state", state);
  }
}
