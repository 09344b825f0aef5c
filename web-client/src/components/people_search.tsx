// Finds users by name while the user types.

import { createEffect, createSignal, For, onCleanup, Show } from "solid-js";
import type { User } from "../../sdk/index";
import { nameOf } from "../logic/format";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Avatar } from "./avatar";
import { CheckIcon } from "./more_icons";
import "../styles/field.css";

const SEARCH_AFTER_MS = 180;
const QUERY_MAX = 32;

interface PeopleSearchProps {
  onPick: (user: User) => void;
  /** Users to leave out of the results. */
  without?: string[];
  chosen?: string[];
  /** Users to offer before anything is typed. */
  suggested?: User[];
}

export function PeopleSearch(props: PeopleSearchProps) {
  const model = useModel();
  const [query, setQuery] = createSignal("");
  const [found, setFound] = createSignal<User[]>();
  const [failed, setFailed] = createSignal(false);

  createEffect(() => {
    const wanted = query().trim().replace(/^@/, "").toLowerCase().slice(0, QUERY_MAX);
    if (!wanted) return void setFound(undefined);
    const stop = new AbortController();
    const timer = setTimeout(() => void search(wanted, stop.signal), SEARCH_AFTER_MS);
    onCleanup(() => {
      clearTimeout(timer);
      stop.abort();
    });
  });

  async function search(wanted: string, signal: AbortSignal): Promise<void> {
    try {
      const users = await model.client.rest.searchUsers(wanted, signal);
      if (signal.aborted) return;
      users.forEach(model.people.add);
      setFailed(false);
      setFound(users);
    } catch {
      if (!signal.aborted) setFailed(true);
    }
  }

  /** Picks the first result on Enter, and does not submit a surrounding form. */
  function pickFirst(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const first = offered()[0];
    if (first) props.onPick(first);
  }

  const others = () => (found() ?? []).filter((user) => user.id !== model.me.id && !props.without?.includes(user.id));
  const offered = () => (query().trim() ? others() : (props.suggested ?? []));

  return (
    <div class="people-search">
      <input
        class="input" type="search" placeholder={t().people.searchByName} aria-label={t().people.search}
        autofocus={!props.chosen}
        autocomplete="off" autocapitalize="none" spellcheck={false} data-testid="people-search" value={query()}
        onInput={(event) => setQuery(event.currentTarget.value)} onKeyDown={pickFirst}
      />
      <ul class="people-results" aria-label={t().people.found}>
        <For each={offered()}>
          {(user) => (
            <li>
              <button
                type="button" class="dialog-row person" data-testid="people-result" data-username={user.username}
                aria-pressed={props.chosen ? props.chosen.includes(user.id) : undefined} onClick={() => props.onPick(user)}
              >
                <Avatar id={user.id} name={nameOf(user)} size="small" />
                <span class="person-name">{nameOf(user)}</span>
                <span class="person-username">@{user.username}</span>
                <Show when={props.chosen?.includes(user.id)}>
                  <CheckIcon />
                </Show>
              </button>
            </li>
          )}
        </For>
      </ul>
      <p class="people-hint" role="status">{hint(query(), found() && offered().length, failed())}</p>
    </div>
  );
}

function hint(query: string, count: number | undefined, failed: boolean): string {
  if (failed) return t().people.failed;
  if (!query.trim()) return t().people.hint;
  return count === 0 ? t().people.none : "";
}
