// The members of a group: list, add, invite, remove, change roles, rename, leave.

import { createSignal, For, Match, onMount, Show, Switch } from "solid-js";
import type { Conversation, Member, Role, User } from "../../sdk/index";
import { nameOf, titleOf } from "../logic/format";
import { isNamed } from "../logic/people";
import { groupRefusal } from "../logic/more_refusals";
import { errorText } from "../logic/refusals";
import { leave as leaveGroup } from "../state/leaving";
import { useModel } from "../state/model_context";
import { notify, offer } from "../state/notes";
import { t } from "../text/language";
import { Field } from "./field";
import { CloseIcon, PenIcon } from "./icons";
import { later } from "./later";
import { MemberItem } from "./member_item";
import { LinkIcon, PlusIcon } from "./more_icons";
import { PeopleSearch } from "./people_search";
import { Question } from "./question";
import { Sentence } from "./sentence";
import { Skeleton } from "./skeleton";
import "../styles/members.css";
import "../styles/field.css";

const InvitesDialog = later(async () => (await import("./invites/invites_dialog")).InvitesDialog);
const Profile = later(async () => (await import("./profile")).Profile);

/** Larger groups have a search among their members. */
const SEARCH_FROM = 9;
const SKELETONS_MAX = 8;

interface PanelProps {
  conversation: Conversation;
  onClose: () => void;
}

export function MembersPanel(props: PanelProps) {
  const model = useModel();
  const [isAdding, setAdding] = createSignal(false);
  const [isInviting, setInviting] = createSignal(false);
  const [asking, setAsking] = createSignal<Member | "leave">();
  const [shown, setShown] = createSignal<string>();
  const [query, setQuery] = createSignal("");
  const found = () => members().filter((member) => isNamed(model.people.get(member.user), query()));
  const title = () => titleOf(props.conversation);
  const memberName = (member: Member) => nameOf(model.people.get(member.user));
  const id = () => props.conversation.id;
  const members = () => model.members.of(id());
  const status = () => model.members.status(id());
  const load = () => void model.members.load(id());
  onMount(() => status() !== "ready" && load());
  const mayAdd = () => props.conversation.role === "owner" || props.conversation.role === "admin";

  const isLastOwner = () => members().every((member) => (member.role === "owner") === (member.user === model.me.id));

  async function change(work: () => Promise<unknown>, explain = errorText): Promise<void> {
    try {
      await work();
      await model.members.load(id());
    } catch (error) {
      notify(explain(error));
    }
  }

  const add = (user: User) => {
    setAdding(false);
    void change(() => model.client.rest.putMember(id(), user.id), (error) => groupRefusal(error, nameOf(user)));
  };
  const setRole = (member: Member, role: Role) => void change(() => model.client.rest.putMember(id(), member.user, role));
  const remove = async (member: Member) => {
    await model.client.rest.removeMember(id(), member.user);
    offer(t().members.removed(memberName(member)), { label: t().page.undo, run: () => addAgain(member) });
    await model.members.load(id());
  };
  const addAgain = (member: Member) =>
    void change(() => model.client.rest.putMember(id(), member.user, member.role), (error) => groupRefusal(error, memberName(member)));
  const rename = (title: string) => void change(() => model.client.rest.rename(id(), title));
  const leave = async () => {
    if (isLastOwner() && members().length > 1) throw new Error(t().members.lastOwner);
    leaveGroup(model, id(), title());
  };

  return (
    <aside class="members" aria-label={t().header.members} data-testid="members">
      <header class="members-header">
        <h3>{t().header.members}</h3>
        <Show when={mayAdd()}>
          <button
            type="button" class="icon-button" data-testid="member-add" aria-label={t().members.add} title={t().members.add}
            aria-expanded={isAdding()} onClick={() => setAdding((on) => !on)}
          >
            <PlusIcon />
          </button>
        </Show>
        <button type="button" class="icon-button" aria-label={t().members.closeList} onClick={() => props.onClose()}>
          <CloseIcon />
        </button>
      </header>
      <Show when={mayAdd()}>
        <Rename title={props.conversation.title ?? ""} onRename={rename} />
        <button type="button" class="button wide with-icon" data-testid="invite-by-link" onClick={() => setInviting(true)}>
          <LinkIcon />
          {t().invite.byLink}
        </button>
      </Show>
      <Show when={isAdding()}>
        <PeopleSearch onPick={add} without={members().map((member) => member.user)} />
      </Show>
      <Show when={members().length >= SEARCH_FROM}>
        <input
          class="input" type="search" placeholder={t().members.search} aria-label={t().members.search} autocomplete="off"
          data-testid="member-search" value={query()} onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </Show>
      <Switch>
        <Match when={status() === "loading"}>
          <Skeleton kind="people" count={Math.min(props.conversation.member_count, SKELETONS_MAX)} testid="members-loading" />
        </Match>
        <Match when={status() === "failed"}>
          <p role="alert">{t().members.notLoaded}</p>
          <button type="button" class="button" onClick={load}>{t().page.tryAgain}</button>
        </Match>
      </Switch>
      <ul class="members-list" aria-label={t().header.members}>
        <For each={found()}>
          {(member) => (
            <MemberItem
              member={member} onShow={() => setShown(member.user)} mayRemove={mayRemove(props.conversation, member, model.me.id)}
              onRemove={() => setAsking(member)}
              mayChange={props.conversation.role === "owner" && member.user !== model.me.id} onRole={(role) => setRole(member, role)}
            />
          )}
        </For>
      </ul>
      <button type="button" class="button danger wide" data-testid="leave" onClick={() => setAsking("leave")}>
        {t().members.leave}
      </button>
      <Show when={isInviting()}>
        <InvitesDialog conversation={props.conversation} onClose={() => setInviting(false)} />
      </Show>
      <Show when={shown()} keyed>
        {(user) => <Profile user={user} onClose={() => setShown(undefined)} />}
      </Show>
      <Show when={asking()} keyed>
        {(what) =>
          what === "leave" ? (
            <Question title={t().members.leaveTitle(title())} confirm={t().members.leaveConfirm} onConfirm={leave} onClose={() => setAsking(undefined)}>
              {t().members.leaveText}
            </Question>
          ) : (
            <Question title={t().members.removeTitle(memberName(what))} confirm={t().members.removeConfirm} onConfirm={() => remove(what)} onClose={() => setAsking(undefined)}>
              <Sentence text={t().members.removeText(memberName(what), title())} />
            </Question>
          )
        }
      </Show>
    </aside>
  );
}

function Rename(props: { title: string; onRename: (title: string) => void }) {
  const [title, setTitle] = createSignal<string>();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const wanted = title()?.trim();
    if (wanted && wanted !== props.title) props.onRename(wanted);
    setTitle(undefined);
  };
  return (
    <Show
      when={title() !== undefined}
      fallback={
        <button type="button" class="title-button" data-testid="rename" title={t().members.changeTitle} onClick={() => setTitle(props.title)}>
          <span class="person-name">{props.title}</span>
          <PenIcon />
        </button>
      }
    >
      <form class="rename" onSubmit={submit}>
        <Field label={t().group.title} name="title" testid="group-title" value={title() ?? ""} onValue={setTitle} autofocus />
        <button type="submit" class="button primary" data-testid="rename-save">{t().page.save}</button>
      </form>
    </Show>
  );
}

/** Returns true if this user may remove the member. Owners may remove all others, admins only plain members. */
function mayRemove(conversation: Conversation, member: Member, me: string): boolean {
  if (member.user === me) return false;
  return conversation.role === "owner" || (conversation.role === "admin" && member.role === "member");
}
