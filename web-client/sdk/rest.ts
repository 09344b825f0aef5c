// The REST side of the gateway, with the login's token on each call and one retry after renewing it.

import * as body from "./body";
import { isCode } from "./error";
import { call, type Call } from "./http";
import { anything, type Shape } from "./shape";
import type { Surroundings } from "./surroundings";
import type { Tokens } from "./tokens";
import * as wire from "./wire";
import type { HistoryQuery } from "./command";

/** What a poll's answer may take longer than its wait. */
const POLL_GRACE_MS = 10_000;

type Extras = Pick<Call<unknown>, "body" | "headers" | "timeout_ms" | "signal">;

export class Rest {
  constructor(
    private readonly surroundings: Surroundings,
    private readonly tokens: Tokens,
  ) {}

  async register(it: body.Registration): Promise<wire.User> {
    return this.begin("/v1/users", body.registrationBody(it));
  }

  async logIn(it: body.LogIn): Promise<wire.User> {
    return this.begin("/v1/sessions", body.logInBody(it));
  }

  /** Forgets the login here first, whatever the gateway then says of ending it. */
  async logOut(): Promise<void> {
    const token = this.tokens.login?.access_token;
    this.tokens.forget();
    if (!token) return;
    const path = "/v1/sessions/current";
    await call(this.surroundings, { method: "DELETE", path, shape: anything, token });
  }

  me(): Promise<wire.User> {
    return this.call("GET", "/v1/me", wire.user);
  }

  /** Up to 100 at once; unknown ones are left out. */
  async users(ids: string[]): Promise<wire.User[]> {
    return (await this.call("GET", `/v1/users?ids=${ids.join(",")}`, wire.people)).items;
  }

  async people(query: string, signal?: AbortSignal): Promise<wire.User[]> {
    const path = `/v1/users?${new URLSearchParams({ query })}`;
    return (await this.call("GET", path, wire.people, signal ? { signal } : {})).items;
  }

  conversations(cursor: string | undefined, limit: number): Promise<wire.Conversations> {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) });
    return this.call("GET", `/v1/conversations?${query}`, wire.conversations);
  }

  conversation(id: string): Promise<wire.Conversation> {
    return this.call("GET", `/v1/conversations/${id}`, wire.conversation);
  }

  openDirect(user: string): Promise<wire.Conversation> {
    return this.call("POST", "/v1/conversations", wire.conversation, { body: body.directBody(user) });
  }

  /** The same `key` on each attempt makes one group, however often the call is made. */
  openGroup(group: body.NewGroup, key: string): Promise<wire.Conversation> {
    const extras = { body: body.groupBody(group), headers: { "Idempotency-Key": key } };
    return this.call("POST", "/v1/conversations", wire.conversation, extras);
  }

  members(conversation: string, cursor: string | undefined, limit: number): Promise<wire.Members> {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) });
    return this.call("GET", `/v1/conversations/${conversation}/members?${query}`, wire.members);
  }

  rename(conversation: string, title: string): Promise<wire.Conversation> {
    const extras = { body: body.titleBody(title) };
    return this.call("PATCH", `/v1/conversations/${conversation}`, wire.conversation, extras);
  }

  putMember(conversation: string, user: string, role?: wire.Role): Promise<wire.Member> {
    const path = `/v1/conversations/${conversation}/members/${user}`;
    return this.call("PUT", path, wire.member, { body: body.memberBody(role) });
  }

  async removeMember(conversation: string, user: string): Promise<void> {
    await this.call("DELETE", `/v1/conversations/${conversation}/members/${user}`, anything);
  }

  history(conversation: string, query: HistoryQuery): Promise<wire.History> {
    const fields = Object.entries(query).map(([name, value]) => [name, String(value)]);
    const path = `/v1/conversations/${conversation}/messages?${new URLSearchParams(fields)}`;
    return this.call("GET", path, wire.history);
  }

  async presence(users: string[]): Promise<wire.Presence[]> {
    return (await this.call("GET", `/v1/presence?users=${users.join(",")}`, wire.presences)).items;
  }

  poll(resume: wire.CursorMap | undefined, wait_ms: number, signal: AbortSignal): Promise<wire.Polled> {
    const extras = { body: body.pollBody(resume, wait_ms), timeout_ms: wait_ms + POLL_GRACE_MS, signal };
    return this.call("POST", "/v1/poll", wire.polled, extras);
  }

  /** One call with the login's token; a token that the gateway refuses is renewed once. */
  async call<T>(method: Call<T>["method"], path: string, shape: Shape<T>, extras: Extras = {}): Promise<T> {
    const token = await this.tokens.accessToken();
    const attempt = (bearer: string) =>
      call(this.surroundings, { method, path, shape, token: bearer, ...extras });
    try {
      return await attempt(token);
    } catch (error) {
      if (!isCode(error, "token_expired", "unauthenticated")) throw error;
      return attempt(await this.tokens.renew(token));
    }
  }

  private async begin(path: string, it: object): Promise<wire.User> {
    const shape = wire.registered;
    const answer = await call(this.surroundings, { method: "POST", path, body: it, shape });
    this.tokens.adopt(answer.session);
    return answer.user;
  }
}
