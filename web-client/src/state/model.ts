// The state of a logged-in page. One client updates it, and the components read it.

import { batch, createSignal } from "solid-js";
import type { Client, Conversation, Entry, SessionState, User } from "../../sdk/index";
import { draftOf } from "../browser/drafts";
import { saveUser } from "../browser/logins";
import { goTo, opened } from "../browser/route";
import { isRequest, openingSeq } from "../logic/conversations";
import { titleOf } from "../logic/format";
import { errorText } from "../logic/refusals";
import { t } from "../text/language";
import { createBlocks } from "./blocks";
import { createConversations } from "./conversations";
import { createMembers, MEMBERS_SHOWN_MAX } from "./members";
import { notify } from "./notes";
import { createPending } from "./pending";
import { createPeople, createTyping } from "./people";
import { createTimelines } from "./timelines";

export type Model = ReturnType<typeof createModel>;

export function createModel(client: Client, me: User) {
  const [state, setState] = createSignal<SessionState>(client.state);
  const [retryAt, setRetryAt] = createSignal(0);
  const isAttached = () => state() === "online" || state() === "polling";
  const people = createPeople(client, me, isAttached);
  const conversations = createConversations(client, me.id);
  const timelines = createTimelines(client);
  const typing = createTyping();
  const members = createMembers(client);
  const blocks = createBlocks(client);
  /** What is completed before the page is closed or the user logs out. */
  const unfinished: (() => Promise<unknown>)[] = [];
  const pending = createPending(client, me.id, (item) => notify(errorText(item.error ?? t().conversation.changeFailed), item.conversation));

  function applyEntry(entry: Entry): void {
    if (isRejoin(entry)) timelines.drop(entry.conversation);
    pending.applyEntry(entry);
    timelines.applyEntry(entry);
    members.applyEntry(entry);
    conversations.applyEntry(entry);
    if (opened() === entry.conversation && !timelines.of(entry.conversation)) void open(entry.conversation);
    if (entry.kind !== "text" || entry.sender === me.id) return;
    typing.stop(entry.conversation, entry.sender);
    if (isOpen(entry.conversation)) client.delivered(entry.conversation, entry.seq);
  }

  /** Returns true if this user takes part in the conversation. Requests send no receipts and no typing signals. */
  function isOpen(id: string): boolean {
    const known = conversations.get(id);
    return known !== undefined && !isRequest(known);
  }

  function sendTyping(id: string, on: boolean): void {
    if (isOpen(id)) client.typing(id, on);
  }

  /** Changes the name that others see. */
  async function changeName(display_name: string): Promise<void> {
    const { privacy: _, ...user } = await client.rest.changeProfile({ display_name });
    saveUser(user);
    people.add(user);
  }

  async function accept(id: string): Promise<void> {
    conversations.upsert(await client.rest.accept(id));
  }

  async function decline(id: string): Promise<void> {
    await client.rest.decline(id);
    remove(id);
  }

  /** Hides a direct conversation until its next entry. */
  async function hide(id: string): Promise<void> {
    await client.rest.removeMember(id, me.id);
    remove(id);
  }

  /** Returns true if this user was removed and added again. Then older entries are dropped. */
  function isRejoin(entry: Entry): boolean {
    const last_seq = timelines.of(entry.conversation)?.window.last_seq ?? Infinity;
    return entry.kind === "joined" && entry.user === me.id && entry.seq > last_seq + 1;
  }

  function applyConversation(details: Conversation): void {
    people.add(details.peer);
    conversations.upsert(details);
  }

  /**
   * The conversation is gone. In a group, this user has left or was removed: a note says so, and names the unsent
   * messages that are dropped. A direct conversation or a request was hidden by this user, in another tab.
   */
  function removed(id: string): void {
    const known = conversations.get(id);
    if (known && (known.kind === "direct" || isRequest(known) || conversations.isHidden(id))) return remove(id);
    const unsent = pending.count(id);
    const lost = unsent > 0 ? ` ${t().conversation.unsent(unsent)}` : "";
    const draft = draftOf(me.id, id).text ? ` ${t().conversation.draftKept}` : "";
    if (known) notify(`${t().conversation.gone(titleOf(known))}${lost}${draft}`);
    remove(id);
  }

  function remove(id: string): void {
    conversations.drop(id);
    timelines.drop(id);
    members.drop(id);
    pending.drop(id);
    typing.drop(id);
    if (opened() === id) goTo(undefined);
  }

  /** Reads again what may have changed without an event while the client was not connected. */
  function reload(): void {
    void conversations.reload();
    for (const id of members.loaded()) {
      if (id === opened()) void members.load(id);
      else members.drop(id); // they are read when they are shown
    }
    if (blocks.all()) blocks.load().catch(() => undefined); // the next one reads them
    const id = opened();
    if (id && timelines.of(id)?.status !== "ready") void open(id);
  }

  function skipped(id: string, head_seq: number): void {
    pending.skipTo(id, head_seq);
    timelines.drop(id);
    void conversations.fetch(id);
    if (opened() === id) void open(id);
  }

  /** Opens a conversation. If it does not exist for this user, shows a note and closes it. */
  async function open(id: string): Promise<void> {
    const known = conversations.get(id);
    // A request may have been accepted on another device while this one was not connected.
    if (known && isRequest(known)) void conversations.fetch(id);
    const details = known ?? (await conversations.fetch(id));
    if (details === "missing") {
      if (opened() !== id) return;
      notify(t().conversation.missing);
      return goTo(undefined);
    }
    if (!details) return;
    if (details.member_count <= MEMBERS_SHOWN_MAX) void members.load(id);
    if (details.kind === "direct" && !blocks.all()) blocks.load().catch(() => undefined); // older gateways have no blocks
    await timelines.open(id, openingSeq(details));
  }

  function read(id: string, seq: number): void {
    conversations.read(id, seq, (after) => timelines.texts(id, after, seq));
  }

  const unsubscribe = [
    client.on("state", setState),
    client.on("retryAt", setRetryAt),
    client.on("attached", reload),
    client.on("entry", (entry) => batch(() => applyEntry(entry))),
    client.on("skipped", (gap) => skipped(gap.conversation, gap.head_seq)),
    client.on("conversation", applyConversation),
    client.on("removed", removed),
    client.on("receipt", (receipt) => {
      members.applyReceipt(receipt);
      conversations.applyReceipt(receipt);
    }),
    client.on("typing", (it) => it.user !== me.id && typing.apply(it)),
    client.on("presence", people.setPresence),
    client.on("outbox", pending.update),
    client.on("unsaved", () => isAttached() || notify(t().connection.cannotStore)),
  ];

  void conversations.reload(); // REST may work even before the session is connected

  return {
    me,
    client,
    state,
    retryAt,
    isAttached,
    people,
    conversations,
    timelines,
    typing,
    members,
    pending,
    blocks,
    open,
    read,
    sendTyping,
    changeName,
    accept,
    decline,
    hide,
    remove,
    beforeClosing: (work: () => Promise<unknown>) => void unfinished.push(work),
    finish: (): Promise<unknown> => Promise.all(unfinished.map((work) => work())),
    opened: () => (opened() === undefined ? undefined : conversations.get(opened() as string)),
    end: () => unsubscribe.forEach((stop) => stop()),
  };
}
