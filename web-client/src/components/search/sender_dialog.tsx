// Chooses whose messages a search shows: a member of the conversation, or anybody.

import { createSignal, For, onMount, Show } from "solid-js";
import type { User } from "../../../sdk/index";
import { nameOf } from "../../logic/format";
import { isNamed } from "../../logic/people";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { Avatar } from "../avatar";
import { Dialog } from "../dialog";
import { PeopleSearch } from "../people_search";
import "../../styles/field.css";

interface SenderProps {
  conversation?: string | undefined;
  onPick: (user: User) => void;
  onClose: () => void;
}

export function SenderDialog(props: SenderProps) {
  const { conversations, me, people } = useModel();
  const known = (): User[] => [people.get(me.id) ?? me, ...conversations.open().flatMap(({ peer }) => peer ?? [])];
  function pick(user: User): void {
    props.onPick(user);
    props.onClose();
  }
  return (
    <Dialog title={t().search.fromWhom} testid="sender-dialog" onClose={() => props.onClose()}>
      <Show when={props.conversation} fallback={<PeopleSearch suggested={known()} onPick={pick} />}>
        {(id) => <Members conversation={id()} onPick={pick} />}
      </Show>
    </Dialog>
  );
}

function Members(props: { conversation: string; onPick: (user: User) => void }) {
  const { members, people } = useModel();
  const [query, setQuery] = createSignal("");
  onMount(() => members.status(props.conversation) !== "ready" && void members.load(props.conversation));
  const found = () => members.of(props.conversation).flatMap(({ user }) => people.get(user) ?? []).filter((user) => isNamed(user, query()));
  return (
    <div class="people-search">
      <input
        class="input" type="search" dir="auto" autofocus autocomplete="off" placeholder={t().members.search} aria-label={t().members.search}
        data-testid="sender-search" value={query()} onInput={(event) => setQuery(event.currentTarget.value)}
      />
      <ul class="people-results" aria-label={t().people.found}>
        <For each={found()}>
          {(user) => (
            <li>
              <button type="button" class="dialog-row person" data-testid="sender-option" data-user={user.id} onClick={() => props.onPick(user)}>
                <Avatar id={user.id} name={nameOf(user)} size="small" />
                <span class="person-name">{nameOf(user)}</span>
                <span class="person-username">@{user.username}</span>
              </button>
            </li>
          )}
        </For>
      </ul>
    </div>
  );
}
