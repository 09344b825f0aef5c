// Invites: links with which people join a group by themselves.

import { acceptInviteBody, inviteBody } from "./body.js";
import type { Client } from "./client.js";
import type { Environment } from "./environment.js";
import { call } from "./http.js";
import { anything, integer, listOf, optional, record, type Shaped, text } from "./shape.js";
import type { Conversation, Reads, Received } from "./wire.js";
import type * as Wire from "./wire.generated.js";

const invite = record({
  code: text,
  url: text,
  uses_left: optional(integer),
  max_uses: optional(integer),
  expires_at: text,
  created_at: text,
  created_by: text,
});
const invites = record({ items: listOf(invite) });

/** An invite, as the admins of its group see it. Without `uses_left`, any number of people may use it. */
export interface Invite extends Reads<Shaped<typeof invite>, Received<Wire.InviteJson>> {}

const preview = record({
  code: text,
  conversation: record({ id: text, title: optional(text), member_count: integer }),
  expires_at: text,
  uses_left: optional(integer),
});

/** What an invite leads to. */
export interface InvitePreview extends Reads<Shaped<typeof preview>, Received<Wire.InvitePreviewJson>> {}

const joined = record({ id: text });

/** How many people may use an invite, and for how long. */
export interface InviteOptions {
  /** 1 to 10,000. By default any number. */
  max_uses?: number;
  /** Seconds: a minute to a year. By default 7 days. */
  expires_in?: number;
}

/** The part of a client that makes calls. `confab.lowLevel()` returns a client. */
export type InviteClient = Pick<Client, "rest">;

/** Makes an invite to a group. Only admins and owners may. */
export function createInvite({ rest }: InviteClient, conversation: string, options: InviteOptions = {}): Promise<Invite> {
  return rest.call("POST", listOfGroup(conversation), invite, { body: inviteBody(options) });
}

/** Returns the invites of a group that people can use now, newest first. */
export async function listInvites({ rest }: InviteClient, conversation: string): Promise<Invite[]> {
  return (await rest.call("GET", listOfGroup(conversation), invites)).items;
}

/** Ends an invite. Admins of the group may, and the user who made it. */
export async function endInvite({ rest }: InviteClient, code: string): Promise<void> {
  await rest.call("DELETE", pathOf(code), anything);
}

/**
 * Returns what an invite leads to. It needs no login: `browserEnvironment(url)` makes the environment. A code that leads nowhere
 * fails with the code `not_found`.
 */
export function previewInvite(environment: Environment, code: string): Promise<InvitePreview> {
  return call(environment, { method: "GET", path: pathOf(code), shape: preview });
}

/** Joins the group, and returns it. For a member nothing changes. A repeat with the same `client_id` joins once. */
export async function acceptInvite({ rest }: InviteClient, code: string, client_id?: string): Promise<Conversation> {
  const { id } = await rest.call("POST", `${pathOf(code)}/accept`, joined, { body: acceptInviteBody(client_id) });
  return rest.conversation(id);
}

const listOfGroup = (conversation: string): string => `/v1/conversations/${conversation}/invites`;

const pathOf = (code: string): string => `/v1/invites/${encodeURIComponent(code)}`;
