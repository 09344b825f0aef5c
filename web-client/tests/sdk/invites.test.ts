import { beforeEach, describe, expect, it } from "vitest";
import { Rest, Tokens } from "../../sdk/index";
import { acceptInvite, createInvite, endInvite, listInvites, previewInvite } from "../../sdk/invites";
import { C, FakeGateway, FakeLogins, ME, problem, storedLogin } from "./gateway";

const CODE = "4Zq8LkT0bXw";
const LIST = `/v1/conversations/${C}/invites`;
const times = { expires_at: "2026-03-15T09:31:02.120Z", created_at: "2026-03-14T09:31:02.120Z" };
const invite = { code: CODE, url: `/i/${CODE}`, uses_left: 50, max_uses: 50, ...times, created_by: ME };

let gateway: FakeGateway;
let client: { rest: Rest };
beforeEach(() => {
  gateway = new FakeGateway();
  client = { rest: new Rest(gateway.environment(), new Tokens(gateway.environment(), new FakeLogins(storedLogin()))) };
});

describe("invites", () => {
  it("invite is made with the options that are given", async () => {
    gateway.answer(`POST ${LIST}`, () => invite);
    expect(await createInvite(client, C, { max_uses: 50, expires_in: 86_400 })).toEqual(invite);
    await createInvite(client, C);
    expect(gateway.calls.map((called) => called.body)).toEqual([{ max_uses: 50, expires_in: 86_400 }, {}]);
  });

  it("unlimited invite has no number of uses", async () => {
    gateway.answer(`GET ${LIST}`, () => ({ items: [{ ...invite, uses_left: null, max_uses: null }] }));
    const { uses_left: _, max_uses: __, ...rest } = invite;
    expect(await listInvites(client, C)).toEqual([rest]);
  });

  it("preview needs no token", async () => {
    const conversation = { id: C, title: "Lunch", member_count: 2 };
    gateway.answer(`GET /v1/invites/${CODE}`, () => ({ code: CODE, conversation, expires_at: times.expires_at, uses_left: null }));
    const shown = await previewInvite(gateway.environment(), CODE);
    expect(shown).toEqual({ code: CODE, conversation, expires_at: times.expires_at });
    expect(gateway.calls[0]?.headers).not.toHaveProperty("Authorization");
  });

  it("code from a link cannot lead to another call", async () => {
    gateway.answer("GET /v1/invites/..%2Fme", () => problem(404, "not_found"));
    await expect(previewInvite(gateway.environment(), "../me")).rejects.toMatchObject({ code: "not_found" });
  });

  it("accepting returns the conversation", async () => {
    const conversation = { id: C, kind: "group", title: "Lunch", head_seq: 3, unread: 0, delivered_seq: 0, read_seq: 0, role: "member", state: "open", member_count: 3 };
    gateway.answer(`POST /v1/invites/${CODE}/accept`, () => conversation);
    gateway.answer(`GET /v1/conversations/${C}`, () => conversation);
    expect(await acceptInvite(client, CODE, "join-1")).toEqual(conversation);
    expect(gateway.calls[0]?.body).toEqual({ client_id: "join-1" });
  });

  it("invite is ended", async () => {
    gateway.answer(`DELETE /v1/invites/${CODE}`, () => 204);
    await endInvite(client, CODE);
    expect(gateway.called(`/v1/invites/${CODE}`)).toHaveLength(1);
  });
});
