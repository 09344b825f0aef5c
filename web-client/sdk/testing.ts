// A fake server in memory, against which apps can test themselves. It speaks the part of the protocol that the SDK
// needs for accounts, conversations, messages, invites and the search, over REST, long polling and WebSocket.

import type { FileCall } from "./testing_attachments.js";
import { FakeBrowser } from "./testing_browser.js";
import { FakeInvites } from "./testing_invites.js";
import { FakeLog, type FakeUser } from "./testing_log.js";
import { searchFake } from "./testing_search.js";
import { FakeSocket } from "./testing_socket.js";
import type { Environment, SocketLike } from "./environment.js";

export type { FakeBrowser, FakeTab } from "./testing_browser.js";

const TOKEN_SECONDS = 600;
const STATUS: Record<string, number> = { invalid: 400, forbidden: 403, conflict: 409 };

/**
 * What happens to a request, a command or an event. A lost request does not reach the server; of another one only the
 * answer is lost. An event can be lost, repeated, or late: then it arrives after the next one.
 */
export type Fault = "lost" | "answer lost" | "repeated" | "late";

interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
  user: FakeUser;
}

/** A server in memory. */
export class FakeServer {
  readonly url = "http://confab.test";
  readonly log = new FakeLog();
  /** The files that were uploaded. */
  readonly files = this.log.files;
  /** While true, nothing reaches the server. */
  isOffline = false;
  /** Returns the fault of a request (`POST /v1/poll`), of a command (`send`), of `open` or of an `event`. */
  fault: (what: string) => Fault | undefined = () => undefined;
  private readonly invites = new FakeInvites(this.log, this.url);
  private readonly sockets = new Set<FakeSocket>();

  constructor() {
    this.log.onEvent = (users, event) => {
      for (const socket of this.sockets) if (socket.user && users.includes(socket.user)) socket.push(event);
    };
  }

  /** The parts of an environment that connect a client to this server. */
  get environment(): Pick<Environment, "fetch" | "openSocket"> {
    return {
      fetch: (url, init) => this.fetch(url, init),
      openSocket: () => this.openSocket(),
    };
  }

  /** Adds a user, and returns their id. The user logs in with any password. */
  user(username: string): string {
    return this.log.user(username).id;
  }

  /** Makes a group, and returns its id. Members are given by their user names; the first one is the owner. */
  group(title: string, members: string[]): string {
    return this.log.group(title, members.map((name) => this.log.user(name)));
  }

  /** Writes a text as a user. */
  say(conversation: string, username: string, text: string): void {
    this.log.append(conversation, this.log.user(username), { kind: "text", text });
  }

  /** Makes an invite to a group as its owner, and returns its code. Each use lets one person in; by default it has no limit. */
  invite(conversation: string, max_uses?: number): string {
    const owner = this.log.owner(conversation);
    return this.invites.create(conversation, owner, max_uses === undefined ? {} : { max_uses }).code;
  }

  /** Returns the texts of a conversation, in order. */
  texts(conversation: string): string[] {
    return this.log.entries(conversation).flatMap((entry) => (entry["kind"] === "text" ? [String(entry["text"])] : []));
  }

  /** The number of open sockets. */
  get connections(): number {
    return this.sockets.size;
  }

  /** Makes a browser whose tabs use this server. */
  browser(): FakeBrowser {
    return new FakeBrowser(this.environment);
  }

  /** Closes all sockets, as when the network changes. */
  dropSockets(): void {
    for (const socket of this.sockets) socket.drop();
  }

  private openSocket(): SocketLike {
    const socket = new FakeSocket(this);
    this.sockets.add(socket);
    socket.onGone = () => this.sockets.delete(socket);
    return socket;
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    await Promise.resolve();
    const { pathname, searchParams } = new URL(url);
    const method = init.method ?? "GET";
    const fault = this.isOffline ? "lost" : this.fault(`${method} ${pathname}`);
    if (fault === "lost") throw new TypeError("the fake network is down");
    if (pathname.startsWith("/v1/attachments")) return this.answerFiles(pathname, init, fault === "answer lost");
    const body = init.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : {};
    const token = new Headers(init.headers).get("Authorization")?.replace("Bearer ", "");
    const answer = this.answer(method, pathname, searchParams, body, token);
    if (fault === "answer lost") throw new TypeError("the fake network lost the answer");
    return answer;
  }

  private async answerFiles(path: string, init: RequestInit, isLost: boolean): Promise<Response> {
    const headers = new Headers(init.headers);
    const user = this.log.byToken(headers.get("Authorization")?.replace("Bearer ", ""));
    if (!user) return refusal(401, "unauthenticated");
    const body = new Uint8Array(await new Response(init.body ?? null).arrayBuffer());
    const answer = this.fileAnswer({ method: init.method ?? "GET", path, headers, body, user });
    if (isLost) throw new TypeError("the fake network lost the answer");
    return answer;
  }

  private fileAnswer(call: FileCall): Response {
    try {
      return this.files.answer(call);
    } catch (error) {
      const code = error instanceof Error ? error.message : "not_found";
      const status = code === "conflict" ? 409 : 404;
      return call.method === "HEAD" ? new Response(null, { status }) : refusal(status, code);
    }
  }

  private answer(method: string, path: string, query: URLSearchParams, body: Record<string, unknown>, token?: string): Response {
    if (method === "POST" && (path === "/v1/users" || path === "/v1/sessions")) return json(201, this.logIn(String(body["username"])));
    if (path === "/v1/sessions/refresh") return json(200, this.logIn(String(body["refresh_token"]).replace("refresh-", "")));
    const user = this.log.byToken(token);
    const code = method === "GET" ? invitedBy(path) : undefined;
    try {
      if (code !== undefined) return json(200, this.invites.preview(code));
      return user ? json(200, this.call({ method, path, query, body, user })) : refusal(401, "unauthenticated");
    } catch (error) {
      const refused = error instanceof Error ? error.message : "not_found";
      return refusal(STATUS[refused] ?? 404, refused);
    }
  }

  private logIn(username: string): object {
    const user = this.log.user(username);
    const session = { id: "1", access_token: `access-${username}`, expires_in: TOKEN_SECONDS, refresh_token: `refresh-${username}` };
    return { user: this.log.show(user), session };
  }

  private call({ method, path, query, body, user }: Call): object {
    if (path === "/v1/me") return this.log.show(user);
    if (path === "/v1/users") return { items: this.log.search(query.get("query"), query.get("ids")?.split(",")) };
    if (path === "/v1/poll") return this.log.poll(user, body["resume"] as Record<string, number> | undefined);
    if (path === "/v1/conversations" && method === "POST") return this.log.open(user, body);
    if (path === "/v1/conversations") return { items: this.log.conversationsOf(user) };
    if (path === "/v1/presence") return { items: [] };
    if (path === "/v1/search") return searchFake(this.log, user, query);
    const code = invitedBy(path);
    if (code !== undefined) return method === "DELETE" ? this.invites.end(code, user) : this.invites.accept(code, user, body["client_id"]);
    const [id, part, seq, emoji] = path.replace("/v1/conversations/", "").split("/");
    if (id === undefined || !path.startsWith("/v1/conversations/")) throw new Error("not_found");
    if (part === undefined) return this.log.conversation(id, user);
    if (part === "members") return { items: this.log.members(id) };
    if (part === "receipts") return {};
    if (part === "invites") return method === "POST" ? this.invites.create(id, user, body) : this.invites.list(id, user);
    if (part === "messages" && method === "GET") return this.log.history(id, user, Object.fromEntries([...query].map(([key, value]) => [key, Number(value)])));
    if (part === "messages" && seq === undefined) return this.log.execute(user, { cmd: "send", conversation: id, ...body });
    if (part !== "messages") throw new Error("not_found");
    if (emoji !== undefined) throw new Error("not_found");
    return this.log.execute(user, { cmd: method === "PATCH" ? "edit" : "redact", conversation: id, seq: Number(seq), ...body });
  }
}

/** Makes a fake server without users and conversations. */
export function createFakeServer(): FakeServer {
  return new FakeServer();
}

/** Returns the code of the invite that a call is about. */
const invitedBy = (path: string): string | undefined => /^\/v1\/invites\/([^/]+)/.exec(path)?.[1];

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

function refusal(status: number, code: string): Response {
  return json(status, { code, message: code, retryable: false });
}
