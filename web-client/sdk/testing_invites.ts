// The invites of the fake server.

import type { FakeLog, FakeUser } from "./testing_log.js";

const WEEK_SECONDS = 604_800;
const CODE_CHARACTERS = 11;

interface FakeInvite {
  code: string;
  conversation: string;
  max_uses: number | null;
  uses_left: number | null;
  created_by: string;
  created_at: number;
  expires_at: number;
}

type InviteFields = Record<string, unknown> & { code: string };

export class FakeInvites {
  private readonly invites = new Map<string, FakeInvite>();
  private made = 0;

  constructor(
    private readonly log: FakeLog,
    private readonly url: string,
  ) {}

  /** Makes an invite. Only the owner of a group may. */
  create(conversation: string, user: FakeUser, { max_uses, expires_in }: { max_uses?: number; expires_in?: number }): InviteFields {
    this.log.checkOwner(conversation, user);
    const code = String((this.made += 1)).padStart(CODE_CHARACTERS, "0");
    const created_at = Date.now();
    const expires_at = created_at + (expires_in ?? WEEK_SECONDS) * 1000;
    const uses = max_uses ?? null;
    const invite = { code, conversation, max_uses: uses, uses_left: uses, created_by: user.id, created_at, expires_at };
    this.invites.set(code, invite);
    return this.show(invite);
  }

  /** The live invites of a group, newest first. */
  list(conversation: string, user: FakeUser): object {
    this.log.checkOwner(conversation, user);
    const live = [...this.invites.values()].filter((it) => it.conversation === conversation && isLive(it));
    return { items: live.toReversed().map((it) => this.show(it)) };
  }

  /** What an invite leads to. */
  preview(code: string): object {
    const { conversation, expires_at, uses_left } = this.live(code);
    return { code, conversation: this.log.summary(conversation), expires_at: timeOf(expires_at), uses_left };
  }

  /** Adds the user to the group. For a member nothing changes, also if the invite has ended. */
  accept(code: string, user: FakeUser, client_id: unknown): object {
    const known = this.invites.get(code);
    if (known && this.log.isMember(known.conversation, user)) return this.log.conversation(known.conversation, user);
    const invite = this.live(code);
    if (invite.uses_left !== null) invite.uses_left -= 1;
    this.log.join(invite.conversation, user, { invited_by: invite.created_by, ...(client_id === undefined ? {} : { client_id }) });
    return this.log.conversation(invite.conversation, user);
  }

  /** Ends an invite. The owner of the group may, and the user who made it. */
  end(code: string, user: FakeUser): object {
    const invite = this.live(code);
    if (invite.created_by !== user.id) this.log.checkOwner(invite.conversation, user);
    this.invites.delete(code);
    return {};
  }

  private live(code: string): FakeInvite {
    const invite = this.invites.get(code);
    if (!invite || !isLive(invite)) throw new Error("not_found");
    return invite;
  }

  private show({ code, max_uses, uses_left, expires_at, created_at, created_by }: FakeInvite): InviteFields {
    const times = { expires_at: timeOf(expires_at), created_at: timeOf(created_at) };
    return { code, url: `${this.url}/i/${code}`, uses_left, max_uses, ...times, created_by };
  }
}

const isLive = ({ uses_left, expires_at }: FakeInvite): boolean => uses_left !== 0 && expires_at > Date.now();

const timeOf = (ms: number): string => new Date(ms).toISOString();
