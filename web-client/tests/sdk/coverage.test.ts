// The SDK offers every documented call and command, or says why not.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { describe as describeFile, discard, linkTo, thumbnail, upload } from "../../sdk/attachments";
import type { Command } from "../../sdk/command";
import { Rest, Tokens } from "../../sdk/index";
import { acceptInvite, createInvite, endInvite, listInvites, previewInvite } from "../../sdk/invites";
import { type RateLimit, withRateLimits } from "../../sdk/limits";
import { RestTransport } from "../../sdk/rest_transport";
import { findMessages } from "../../sdk/search";
import { C, FakeGateway, FakeLogins, OTHER, storedLogin } from "./gateway";

const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/protocol.md"), "utf8");
const ABBREVIATED = "/v1/conversations/{id}";

/** Returns the calls that the page names, such as `GET /v1/me`. The same path may have several methods. */
function documentedCalls(): string[] {
  const calls = [...PAGE.matchAll(/`(GET|POST|PUT|PATCH|DELETE)(?:` and `(DELETE))? (\/v1\/|…\/)([^`?… ]+)/g)].flatMap(([, first, second, root, rest]) => {
    const path = (root === "/v1/" ? "/v1/" : `${ABBREVIATED}/`) + rest;
    return [first, second].filter((method) => method !== undefined).map((method) => `${method} ${path.replace("sessions/{id}", "sessions/{login}")}`);
  });
  return [...new Set(calls)].sort();
}

const documentedCommands = (): string[] => [...new Set([...PAGE.matchAll(/\[`(\w+)`\]\(protocol\/command-/g)].map(([, name]) => name ?? ""))].sort();

const LEFT_OUT: Record<string, string> = {
  "GET /v1/users/{id}": "`users` reads several at once",
  "GET /v1/ws": "it opens the socket",
  "PATCH /v1/attachments/{id}": "`upload` sends the parts of a file with it, after it was told how much is stored: attachments.test.ts",
  "GET /v1/files/{link}": "it is what `linkTo` returns, for elements of a page",
};

const CODE = "4Zq8LkT0bXw";
const text = { conversation: C, client_id: "a", text: "hi" };
const over = (rest: Rest) => new RestTransport(rest);

const files = (rest: Rest) => ({ rest, environment: rest["environment"] });
/** Starts what goes on as long as nothing answers, and ends it. */
async function endedSoon(work: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
  const stop = new AbortController();
  const running = work(stop.signal);
  setTimeout(() => stop.abort());
  return running;
}

const OFFERED: Record<string, (rest: Rest, tokens: Tokens) => Promise<unknown>> = {
  "POST /v1/attachments": (rest) => endedSoon((signal) => upload(files(rest), C, new Blob(["a"]), { signal })),
  "DELETE /v1/attachments/{id}": (rest) => discard({ rest }, C),
  "GET /v1/attachments/{id}/info": (rest) => describeFile({ rest }, C),
  "GET /v1/attachments/{id}/thumbnail": (rest) => endedSoon((signal) => thumbnail(files(rest), C, 256, { signal })),
  "POST /v1/attachments/{id}/link": (rest) => linkTo(files(rest), C),
  "GET /v1/conversations": (rest) => rest.conversations(undefined, 10),
  "POST /v1/conversations": (rest) => rest.openDirect(OTHER),
  "GET /v1/conversations/{id}": (rest) => rest.conversation(C),
  "PATCH /v1/conversations/{id}": (rest) => rest.rename(C, "Picnic"),
  "POST /v1/conversations/{id}/accept": (rest) => rest.accept(C),
  "POST /v1/conversations/{id}/decline": (rest) => rest.decline(C),
  "GET /v1/conversations/{id}/invites": (rest) => listInvites({ rest }, C),
  "POST /v1/conversations/{id}/invites": (rest) => createInvite({ rest }, C),
  "GET /v1/conversations/{id}/members": (rest) => rest.members(C, undefined, 10),
  "PUT /v1/conversations/{id}/members/{user}": (rest) => rest.putMember(C, OTHER),
  "DELETE /v1/conversations/{id}/members/{user}": (rest) => rest.removeMember(C, OTHER),
  "GET /v1/conversations/{id}/messages": (rest) => rest.history(C, {}),
  "POST /v1/conversations/{id}/messages": (rest) => over(rest).execute({ cmd: "send", ...text }),
  "PATCH /v1/conversations/{id}/messages/{seq}": (rest) => over(rest).execute({ cmd: "edit", seq: 5, ...text }),
  "DELETE /v1/conversations/{id}/messages/{seq}": (rest) => over(rest).execute({ cmd: "redact", seq: 5, ...text }),
  "PUT /v1/conversations/{id}/messages/{seq}/reactions/{emoji}": (rest) => over(rest).execute({ cmd: "react", seq: 5, emoji: "x", on: true, ...text }),
  "DELETE /v1/conversations/{id}/messages/{seq}/reactions/{emoji}": (rest) => over(rest).execute({ cmd: "react", seq: 5, emoji: "x", on: false, ...text }),
  "POST /v1/conversations/{id}/receipts": (rest) => over(rest).execute({ cmd: "receipt", conversation: C, read_seq: 5 }),
  "GET /v1/invites/{code}": (rest) => previewInvite(rest["environment"], CODE),
  "DELETE /v1/invites/{code}": (rest) => endInvite({ rest }, CODE),
  "POST /v1/invites/{code}/accept": (rest) => acceptInvite({ rest }, CODE),
  "GET /v1/me": (rest) => rest.me(),
  "PATCH /v1/me": (rest) => rest.changeProfile({ display_name: "Ada" }),
  "GET /v1/me/blocks": (rest) => rest.blocks(),
  "PUT /v1/me/blocks/{user}": (rest) => rest.block(OTHER),
  "DELETE /v1/me/blocks/{user}": (rest) => rest.unblock(OTHER),
  "PUT /v1/me/password": (rest) => rest.changePassword({ old_password: "a", new_password: "b" }),
  "POST /v1/poll": (rest) => rest.poll({}, 0, new AbortController().signal),
  "GET /v1/presence": (rest) => rest.presence([OTHER]),
  "GET /v1/search": (rest) => findMessages({ rest }, { q: "tea" }),
  "GET /v1/sessions": (rest) => rest.logins(),
  "POST /v1/sessions": (rest) => rest.logIn({ username: "ada", password: "a" }),
  "DELETE /v1/sessions": (rest) => rest.logOutOthers(),
  "POST /v1/sessions/refresh": (_, tokens) => tokens.renew("access-1"),
  "DELETE /v1/sessions/{login}": (rest) => rest.endLogin("7"),
  "DELETE /v1/sessions/current": (rest) => rest.logOut(),
  "GET /v1/users": (rest) => rest.searchUsers("ada"),
  "POST /v1/users": (rest) => rest.register({ username: "ada", password: "a" }),
};

/** `acceptInvite` uses the REST call of this command. */
type OverRest = "accept_invite";

const COMMANDS: Record<Command["cmd"] | "hello" | OverRest, true> = {
  accept_invite: true,
  away: true, edit: true, hello: true, history: true, ping: true, react: true, receipt: true, redact: true, refresh: true, send: true, typing: true, unwatch: true,
  watch: true,
};

describe("calls", () => {
  it("every documented call is offered or left out for a reason", () => {
    expect(documentedCalls()).toEqual([...Object.keys(OFFERED), ...Object.keys(LEFT_OUT)].sort());
  });

  let gateway: FakeGateway;
  let tokens: Tokens;
  let rest: Rest;
  beforeEach(() => {
    gateway = new FakeGateway();
    tokens = new Tokens(gateway.environment(), new FakeLogins(storedLogin()));
    rest = new Rest(gateway.environment(), tokens);
  });

  it.each(Object.entries(OFFERED))("%s", async (name, work) => {
    await work(rest, tokens).catch(() => undefined); // nothing answers
    const values: Record<string, string> = { id: C, user: OTHER, seq: "5", emoji: "x", login: "7", code: CODE };
    const path = name.replace(/\{(\w+)\}/g, (_, field: string) => values[field] ?? field);
    expect(gateway.calls.map((call) => `${call.method} ${call.path.split("?")[0]}`)).toContain(path);
  });

  it("rate limits of answers are reported", async () => {
    const answer = new Response(`{"items":["7"]}`, { headers: { RateLimit: `"requests";r=99;t=1, "address";r=3;t=60` } });
    const reported: RateLimit[][] = [];
    rest = new Rest({ ...gateway.environment(), fetch: withRateLimits(async () => answer, (limits) => reported.push(limits)) }, tokens);
    expect(await rest.blocks()).toEqual(["7"]);
    expect(reported).toEqual([[{ name: "requests", left: 99, full_in_ms: 1000 }, { name: "address", left: 3, full_in_ms: 60_000 }]]);
  });
});

it("every documented command is offered", () => {
  expect(documentedCommands()).toEqual(Object.keys(COMMANDS).sort());
});
