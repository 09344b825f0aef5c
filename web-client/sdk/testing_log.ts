// The users and conversations of the fake server.

import { FakeFiles } from "./testing_attachments.js";

export interface FakeUser {
  readonly id: string;
  readonly username: string;
}

type Fields = Record<string, unknown>;
type FakeEntry = Fields & { seq: number; kind: string; sender: string };

/** A message in its current state. */
export type FakeText = FakeEntry & { id: string; conversation: string; sent_at: string; text: string };

interface FakeConversation {
  id: string;
  kind: "direct" | "group";
  title?: string;
  /** The first one of a group is its owner. */
  members: FakeUser[];
  /** The seq from which a user who joined later sees the conversation. */
  joined: Map<FakeUser, number>;
  entries: FakeEntry[];
}

const DAY = "2026-03-14T09:26:53.589Z";
const PAGE = 50;

export class FakeLog {
  onEvent: (users: FakeUser[], event: object) => void = () => undefined;
  private readonly users = new Map<string, FakeUser>();
  private readonly conversations = new Map<string, FakeConversation>();
  private ids = 286772161220186112n;
  readonly files = new FakeFiles(() => this.nextId(), (id, user) => this.isShownTo(id, user));

  /** Returns the user with this name, who is added if missing. */
  user(username: string): FakeUser {
    const known = this.users.get(username) ?? { id: this.nextId(), username };
    this.users.set(username, known);
    return known;
  }

  byToken(token: string | undefined): FakeUser | undefined {
    return token?.startsWith("access-") ? this.users.get(token.slice("access-".length)) : undefined;
  }

  show({ id, username }: FakeUser): object {
    return { id, username, created_at: DAY };
  }

  search(query: string | null, ids: string[] = []): object[] {
    const isFound = (user: FakeUser) => (query === null ? ids.includes(user.id) : user.username.startsWith(query));
    return [...this.users.values()].filter(isFound).map((user) => this.show(user));
  }

  group(title: string, members: FakeUser[]): string {
    return this.make({ id: this.nextId(), kind: "group", title, members, joined: new Map(), entries: [] });
  }

  /** Opens a conversation as `POST /v1/conversations` does. */
  open(user: FakeUser, body: Fields): object {
    const other = (id: unknown) => [...this.users.values()].filter((it) => it.id === id || it.username === id);
    const members = [user, ...[...((body["members"] as string[] | undefined) ?? []), body["user"]].flatMap(other)];
    if (body["kind"] === "group") return this.conversation(this.group(String(body["title"]), members), user);
    const isSame = (it: FakeConversation) => it.kind === "direct" && members.every((member) => it.members.includes(member));
    const known = [...this.conversations.values()].find(isSame);
    return this.conversation(known?.id ?? this.make({ id: this.nextId(), kind: "direct", members, joined: new Map(), entries: [] }), user);
  }

  entries(id: string): FakeEntry[] {
    return this.find(id).entries;
  }

  conversationsOf(user: FakeUser): object[] {
    return [...this.conversations.values()].filter((it) => it.members.includes(user)).map((it) => this.conversation(it.id, user));
  }

  conversation(id: string, user: FakeUser): object {
    const found = this.findFor(id, user);
    const { kind, title, members, entries } = found;
    const peer = kind === "direct" ? members.find((it) => it !== user) : undefined;
    return {
      id, kind, title, head_seq: entries.length, unread: 0, delivered_seq: entries.length, read_seq: entries.length, role: roleOf(found, user),
      member_count: members.length, ...(peer ? { peer: this.show(peer) } : {}),
    };
  }

  members(id: string): object[] {
    const found = this.find(id);
    return found.members.map((it) => ({ user: it.id, role: roleOf(found, it), joined_seq: joinedSeq(found, it), delivered_seq: 0, read_seq: 0 }));
  }

  isMember(id: string, user: FakeUser): boolean {
    return this.find(id).members.includes(user);
  }

  /** Fails if the conversation is no group of which the user is the owner. */
  checkOwner(id: string, user: FakeUser): void {
    if (roleOf(this.findFor(id, user), user) !== "owner") throw new Error("forbidden");
  }

  owner(id: string): FakeUser {
    const [owner] = this.find(id).members;
    if (!owner) throw new Error("not_found");
    return owner;
  }

  /** What somebody who is no member may know of a group that they are invited to. */
  summary(id: string): object {
    const { title, members } = this.find(id);
    return { id, title, member_count: members.length };
  }

  /** Adds a user who joins by themselves. `fields` are those of the entry. */
  join(id: string, user: FakeUser, fields: Fields): void {
    const { members, joined, entries } = this.find(id);
    members.push(user);
    joined.set(user, entries.length + 1);
    this.onEvent([user], { ev: "conversation", conversation: id, details: this.conversation(id, user) });
    this.append(id, user, { kind: "joined", user: user.id, role: "member", ...fields });
  }

  /** Returns the messages that a user sees in their conversations, in their current state. */
  textsOf(user: FakeUser): FakeText[] {
    return Object.keys(this.heads(user)).flatMap((id) => this.textsIn(id, user));
  }

  /** Returns the messages of a conversation that a user sees, in their current state. Redacted ones are left out. */
  textsIn(id: string, user: FakeUser): FakeText[] {
    const entries = this.visible(id, user);
    const changed = (kind: string, seq: number) => entries.findLast((it) => it.kind === kind && it["target_seq"] === seq);
    return entries
      .filter((it): it is FakeText => it.kind === "text" && !changed("redacted", it.seq))
      .map((it) => ({ ...it, text: String(changed("edited", it.seq)?.["text"] ?? it.text) }));
  }

  /** Adds an entry, and sends it to the members. */
  append(id: string, sender: FakeUser, fields: Fields & { kind: string }): FakeEntry {
    const { entries, members } = this.findFor(id, sender);
    const entry: FakeEntry = { conversation: id, seq: entries.length + 1, id: this.nextId(), sender: sender.id, sent_at: DAY, ...fields };
    entries.push(entry);
    this.onEvent(members, { ev: "message", ...entry });
    return entry;
  }

  /** Executes a command that makes an entry. A repeated one has no effect, and gets the first answer. */
  execute(user: FakeUser, command: Fields): object {
    const id = String(command["conversation"]);
    const { client_id, seq, text, reply_to, emoji, on, attachments } = command;
    const first = this.findFor(id, user).entries.find((it) => it.sender === user.id && client_id !== undefined && it["client_id"] === client_id);
    if (first) return { message: first, replayed: true };
    const named = client_id === undefined ? {} : { client_id };
    switch (command["cmd"]) {
      case "send": {
        const files = attachments === undefined ? {} : { attachments: this.files.attach(attachments as string[], user) };
        return sent(this.append(id, user, { kind: "text", text, ...named, ...(reply_to === undefined ? {} : { reply_to }), ...files }));
      }
      case "edit":
        return sent(this.append(id, user, { kind: "edited", target_seq: seq, text, ...named }));
      case "redact":
        return sent(this.append(id, user, { kind: "redacted", target_seq: seq, ...named }));
      case "react":
        return sent(this.append(id, user, { kind: "reaction", target_seq: seq, emoji, on, ...named }));
      default:
        throw new Error("invalid");
    }
  }

  history(id: string, user: FakeUser, query: Fields): object {
    const { length } = this.findFor(id, user).entries;
    const entries = this.visible(id, user);
    const limit = Number(query["limit"] ?? PAGE);
    const before = Number(query["before_seq"] ?? Infinity);
    const after = query["after_seq"];
    const items = after === undefined ? entries.filter((it) => it.seq < before).slice(-limit) : entries.filter((it) => it.seq > Number(after)).slice(0, limit);
    return { items, head_seq: length };
  }

  /** Returns what the user has missed, or the heads for a first poll. */
  poll(user: FakeUser, resume: Record<string, number> | undefined): object {
    return { events: resume ? this.missed(user, resume) : [], resume: this.heads(user) };
  }

  heads(user: FakeUser): Record<string, number> {
    const mine = [...this.conversations.values()].filter((it) => it.members.includes(user));
    return Object.fromEntries(mine.map((it) => [it.id, it.entries.length]));
  }

  missed(user: FakeUser, resume: Record<string, number>): object[] {
    return Object.keys(this.heads(user)).flatMap((id) =>
      this.visible(id, user).filter(({ seq }) => seq > (resume[id] ?? 0)).map((entry) => ({ ev: "message", ...entry })),
    );
  }

  private visible(id: string, user: FakeUser): FakeEntry[] {
    const found = this.findFor(id, user);
    return found.entries.filter(({ seq }) => seq >= joinedSeq(found, user));
  }

  private make(conversation: FakeConversation): string {
    this.conversations.set(conversation.id, conversation);
    for (const member of conversation.members) {
      this.append(conversation.id, member, { kind: "joined", user: member.id, role: roleOf(conversation, member) });
    }
    return conversation.id;
  }

  /** Returns true if the user sees a message with the file. */
  private isShownTo(file: string, user: FakeUser): boolean {
    const entries = [...this.conversations.values()].filter((it) => it.members.includes(user)).flatMap((it) => it.entries);
    return entries.some((entry) => ((entry["attachments"] as { id: string }[] | undefined) ?? []).some(({ id }) => id === file));
  }

  private find(id: string): FakeConversation {
    const found = this.conversations.get(id);
    if (!found) throw new Error("not_found");
    return found;
  }

  private findFor(id: string, user: FakeUser): FakeConversation {
    const found = this.find(id);
    if (!found.members.includes(user)) throw new Error("not_found");
    return found;
  }

  private nextId(): string {
    this.ids += 4096n;
    return String(this.ids);
  }
}

const roleOf = ({ kind, members }: FakeConversation, user: FakeUser): string => (kind === "group" && members[0] === user ? "owner" : "member");

const joinedSeq = ({ joined }: FakeConversation, user: FakeUser): number => joined.get(user) ?? 1;

function sent(message: FakeEntry): object {
  return { message, replayed: false };
}
