// Everything that a logged-in page knows, fed by one client and read by the components.

import { batch, createContext, createSignal, useContext } from "solid-js";
import type { Client, Conversation, Entry, SessionState, User } from "../../sdk";
import { draftOf } from "../browser/drafts";
import { goTo, opened } from "../browser/route";
import { openingSeq } from "../logic/conversations";
import { titleOf } from "../logic/format";
import { createConversations } from "./conversations";
import { createMembers, MEMBERS_SHOWN_MAX } from "./members";
import { note, saying } from "./notes";
import { createPending } from "./pending";
import { createPeople, createTyping } from "./people";
import { createTimelines } from "./timelines";

export type Model = ReturnType<typeof createModel>;

export function createModel(client: Client, me: User) {
  const [state, setState] = createSignal<SessionState>(client.state);
  const isAttached = () => state() === "online" || state() === "polling";
  const people = createPeople(client, me, isAttached);
  const conversations = createConversations(client, me.id);
  const timelines = createTimelines(client);
  const typing = createTyping();
  const members = createMembers(client);
  const pending = createPending(client, me.id, (item) => note(saying(item.error ?? "not done")));

  function takeEntry(entry: Entry): void {
    if (isNewBeginning(entry)) timelines.drop(entry.conversation);
    pending.takeEntry(entry);
    timelines.take(entry);
    members.take(entry);
    conversations.take(entry);
    if (opened() === entry.conversation && !timelines.isLoaded(entry.conversation)) void open(entry.conversation);
    if (entry.kind !== "text" || entry.sender === me.id) return;
    typing.stop(entry.conversation, entry.sender);
    client.delivered(entry.conversation, entry.seq);
  }

  /** Who was removed and joined again sees the log from the new joining on; what is older goes. */
  function isNewBeginning(entry: Entry): boolean {
    const last_seq = timelines.state[entry.conversation]?.last_seq ?? Infinity;
    return entry.kind === "joined" && entry.user === me.id && entry.seq > last_seq + 1;
  }

  function takeConversation(details: Conversation): void {
    people.know(details.peer);
    conversations.upsert(details);
  }

  /** Somebody else, or this user elsewhere, ended the membership: what was not said goes with it. */
  function removed(id: string): void {
    const known = conversations.get(id);
    const unsent = pending.count(id);
    const lost = unsent > 0 ? ` What was not sent yet (${unsent}) was not sent.` : "";
    const draft = draftOf(me.id, id) ? " What you were writing is kept until you are back." : "";
    if (known) note(`You are no longer in “${titleOf(known)}”.${lost}${draft}`);
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

  /** What was of the moment while nothing was attached. */
  function readAgain(): void {
    void conversations.reload();
    for (const id of members.loaded()) void members.load(id);
    const id = opened();
    if (id && timelines.state[id]?.status !== "ready") void open(id);
  }

  function skipped(id: string, head_seq: number): void {
    pending.skipTo(id, head_seq);
    timelines.drop(id);
    void conversations.fetch(id);
    if (opened() === id) void open(id);
  }

  /** Opens what the address names; what is not there, or no longer, is left, and that is said. */
  async function open(id: string): Promise<void> {
    const details = conversations.get(id) ?? (await conversations.fetch(id));
    if (details === "missing") {
      if (opened() !== id) return;
      note("This conversation is not there, or you are not in it.");
      return goTo(undefined);
    }
    if (!details) return;
    if (details.member_count <= MEMBERS_SHOWN_MAX) void members.load(id);
    await timelines.open(id, openingSeq(details));
  }

  function read(id: string, seq: number): void {
    conversations.read(id, seq, (after) => timelines.texts(id, after, seq));
  }

  const ends = [
    client.on("state", setState),
    client.on("attached", readAgain),
    client.on("entry", (entry) => batch(() => takeEntry(entry))),
    client.on("skipped", (gap) => skipped(gap.conversation, gap.head_seq)),
    client.on("conversation", takeConversation),
    client.on("removed", removed),
    client.on("receipt", (receipt) => {
      members.takeReceipt(receipt);
      conversations.takeReceipt(receipt);
    }),
    client.on("typing", (it) => it.user !== me.id && typing.take(it)),
    client.on("presence", people.seen),
    client.on("outbox", pending.take),
  ];

  void conversations.reload(); // what can be read is shown, also while nothing is attached

  return {
    me,
    client,
    state,
    isAttached,
    people,
    conversations,
    timelines,
    typing,
    members,
    pending,
    open,
    read,
    remove,
    opened: () => (opened() === undefined ? undefined : conversations.get(opened() as string)),
    end: () => ends.forEach((end) => end()),
  };
}

export const ModelContext = createContext<Model>();

export function useModel(): Model {
  const model = useContext(ModelContext);
  if (!model) throw new Error("no model above this component");
  return model;
}
