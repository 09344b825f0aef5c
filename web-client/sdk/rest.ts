// The REST calls of the gateway. Each carries the login's token, and is retried once after the token was renewed.

import * as body from "./body.js";
import { isCode } from "./error.js";
import { call, type Call } from "./http.js";
import { anything, type Shape } from "./shape.js";
import type { Environment } from "./environment.js";
import type { TokenSource } from "./tokens.js";
import * as wire from "./wire.js";
import type { HistoryQuery } from "./command.js";

/** How much longer than its wait the answer of a poll may take. */
const POLL_GRACE_MS = 10_000;

type Extras = Pick<Call<unknown>, "body" | "read" | "headers" | "timeout_ms" | "signal">;

/** The REST calls of the gateway. A call that the gateway refuses fails with `ConfabError`. */
export class Rest {
  constructor(
    private readonly environment: Environment,
    private readonly tokens: TokenSource,
  ) {}

  async register(it: body.Registration): Promise<wire.User> {
    return this.#authenticate("/v1/users", body.registrationBody(it));
  }

  async logIn(it: body.LogIn): Promise<wire.User> {
    return this.#authenticate("/v1/sessions", body.logInBody(it));
  }

  /** Forgets the login on this device first, so that a failing call does not keep it. */
  async logOut(): Promise<void> {
    const { token } = this.tokens;
    this.tokens.forget();
    if (!token) return;
    const path = "/v1/sessions/current";
    await call(this.environment, { method: "DELETE", path, shape: anything, token });
  }

  /** Ends all logins but this one. */
  logOutOthers(): Promise<void> {
    return this.#act("DELETE", "/v1/sessions");
  }

  /** Changes the password and ends all logins but this one. */
  changePassword(it: body.PasswordChange): Promise<void> {
    return this.#act("PUT", "/v1/me/password", { body: body.passwordChangeBody(it) });
  }

  /** Returns the logins of this user, newest first. */
  async logins(): Promise<wire.LoginItem[]> {
    return (await this.call("GET", "/v1/sessions", wire.logins)).items;
  }

  /** Ends another login of this user. */
  endLogin(id: string): Promise<void> {
    return this.#act("DELETE", `/v1/sessions/${id}`);
  }

  me(): Promise<wire.Me> {
    return this.call("GET", "/v1/me", wire.me);
  }

  /** Changes the profile. Only the named settings change. */
  changeProfile(change: body.ProfileChange): Promise<wire.Me> {
    return this.call("PATCH", "/v1/me", wire.me, { body: body.profileBody(change) });
  }

  /** Returns the ids of the users whom this user has blocked. */
  async blocks(): Promise<string[]> {
    return (await this.call("GET", "/v1/me/blocks", wire.blocks)).items;
  }

  block(user: string): Promise<void> {
    return this.#act("PUT", `/v1/me/blocks/${user}`);
  }

  unblock(user: string): Promise<void> {
    return this.#act("DELETE", `/v1/me/blocks/${user}`);
  }

  /** Returns the users with these ids, at most 100. Unknown ids are left out. */
  async users(ids: string[]): Promise<wire.User[]> {
    return (await this.call("GET", `/v1/users?ids=${ids.join(",")}`, wire.users)).items;
  }

  async searchUsers(query: string, signal?: AbortSignal): Promise<wire.User[]> {
    return (await this.call("GET", `/v1/users${queryOf({ query })}`, wire.users, { signal })).items;
  }

  /** Returns a page of the list, newest activity first. With `state`, only the requests or the open conversations. */
  conversations(cursor: string | undefined, limit: number, state?: "request" | "open"): Promise<wire.Conversations> {
    return this.call("GET", `/v1/conversations${queryOf({ limit, cursor, state })}`, wire.conversations);
  }

  conversation(id: string): Promise<wire.Conversation> {
    return this.call("GET", `/v1/conversations/${id}`, wire.conversation);
  }

  /** Accepts a request: the conversation is open from now on. */
  accept(conversation: string): Promise<wire.Conversation> {
    return this.call("POST", `/v1/conversations/${conversation}/accept`, wire.conversation);
  }

  /** Declines a request. The others do not notice it. */
  decline(conversation: string): Promise<void> {
    return this.#act("POST", `/v1/conversations/${conversation}/decline`);
  }

  openDirect(user: string): Promise<wire.Conversation> {
    return this.call("POST", "/v1/conversations", wire.conversation, { body: body.directBody(user) });
  }

  /** Creates a group. Repeated calls with the same `key` create only one. */
  createGroup(group: body.NewGroup, key: string): Promise<wire.Conversation> {
    const extras = { body: body.groupBody(group), headers: { "Idempotency-Key": key } };
    return this.call("POST", "/v1/conversations", wire.conversation, extras);
  }

  members(conversation: string, cursor: string | undefined, limit: number): Promise<wire.Members> {
    return this.call("GET", `/v1/conversations/${conversation}/members${queryOf({ limit, cursor })}`, wire.members);
  }

  rename(conversation: string, title: string): Promise<wire.Conversation> {
    const extras = { body: body.titleBody(title) };
    return this.call("PATCH", `/v1/conversations/${conversation}`, wire.conversation, extras);
  }

  putMember(conversation: string, user: string, role?: wire.Role): Promise<wire.Member> {
    const path = `/v1/conversations/${conversation}/members/${user}`;
    return this.call("PUT", path, wire.member, { body: body.memberBody(role) });
  }

  /** Removes a member. With one's own id: leaves a group, or hides a direct conversation until its next entry. */
  removeMember(conversation: string, user: string): Promise<void> {
    return this.#act("DELETE", `/v1/conversations/${conversation}/members/${user}`);
  }

  history(conversation: string, query: HistoryQuery): Promise<wire.History> {
    return this.call("GET", `/v1/conversations/${conversation}/messages${queryOf(query)}`, wire.history);
  }

  async presence(users: string[]): Promise<wire.Presence[]> {
    return (await this.call("GET", `/v1/presence?users=${users.join(",")}`, wire.presences)).items;
  }

  poll(resume: wire.CursorMap | undefined, wait_ms: number, signal: AbortSignal): Promise<wire.Polled> {
    const extras = { body: body.pollBody(resume, wait_ms), timeout_ms: wait_ms + POLL_GRACE_MS, signal };
    return this.call("POST", "/v1/poll", wire.polled, extras);
  }

  /** Makes a call with the login's token. If the gateway refuses the token, renews it once and retries. */
  async call<T>(method: Call<T>["method"], path: string, shape: Shape<T>, extras: Extras = {}): Promise<T> {
    const token = await this.tokens.accessToken();
    const attempt = (bearer: string) =>
      call(this.environment, { method, path, shape, token: bearer, ...extras });
    try {
      return await attempt(token);
    } catch (error) {
      if (!isCode(error, "token_expired", "unauthenticated")) throw error;
      return attempt(await this.tokens.renew(token));
    }
  }

  async #act(method: Call<unknown>["method"], path: string, extras?: Extras): Promise<void> {
    await this.call(method, path, anything, extras);
  }

  async #authenticate(path: string, it: object): Promise<wire.User> {
    const shape = wire.registered;
    const answer = await call(this.environment, { method: "POST", path, body: it, shape });
    this.tokens.adopt?.(answer.session);
    return answer.user;
  }
}

/** Returns the query of a URL. Fields that are undefined are left out. */
function queryOf(fields: object): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}
