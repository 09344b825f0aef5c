// The dialog that creates a group with a title and its first members.

import { createSignal, For, Show } from "solid-js";
import { isRetryable, type User } from "../../sdk/index";
import { goTo } from "../browser/route";
import { nameOf } from "../logic/format";
import { groupRefusal } from "../logic/more_refusals";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import { Dialog } from "./dialog";
import { Field } from "./field";
import { CloseIcon } from "./icons";
import { PeopleSearch } from "./people_search";
import { Sentence } from "./sentence";

export function NewGroup(props: { onClose: () => void }) {
  const model = useModel();
  const [title, setTitle] = createSignal("");
  const [chosen, setChosen] = createSignal<User[]>([]);
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal<string>();
  let key = model.client.newId();

  const drop = (user: User) => setChosen((all) => all.filter((other) => other.id !== user.id));
  const toggle = (user: User) =>
    chosen().some((other) => other.id === user.id) ? drop(user) : setChosen((all) => [...all, user]);

  /** If the outcome is unknown, the next attempt uses the same key. A refused attempt gets a new key. */
  async function create(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (busy() || !title().trim()) return;
    setBusy(true);
    setError(undefined);
    try {
      const group = { title: title().trim(), members: chosen().map((user) => user.id) };
      const details = await model.client.rest.createGroup(group, key);
      model.conversations.upsert(details);
      props.onClose();
      goTo(details.id);
    } catch (error) {
      if (!isRetryable(error)) key = model.client.newId();
      const only = chosen().length === 1 ? chosen()[0] : undefined;
      setError(groupRefusal(error, only && nameOf(only)));
      setBusy(false);
    }
  }

  return (
    <Dialog title={t().list.newGroup} testid="new-group-dialog" onClose={() => props.onClose()}>
      <form onSubmit={(event) => void create(event)}>
        <Field label={t().group.title} name="title" testid="group-title" value={title()} onValue={setTitle} autofocus />
        <ul class="chosen" aria-label={t().people.chosen}>
          <For each={chosen()}>
            {(user) => (
              <li class="chip" data-testid="person-chosen">
                {nameOf(user)}
                <button type="button" class="chip-button" aria-label={unmarked(t().people.remove(nameOf(user)))} onClick={() => drop(user)}>
                  <CloseIcon />
                </button>
              </li>
            )}
          </For>
        </ul>
        <PeopleSearch onPick={toggle} chosen={chosen().map((user) => user.id)} />
        <Show when={error()}>
          <p class="form-error" role="alert" data-testid="dialog-error"><Sentence text={error()} /></p>
        </Show>
        <button class="button primary wide" type="submit" data-testid="group-create" aria-disabled={busy() || !title().trim()}>
          {t().group.create}
        </button>
      </form>
    </Dialog>
  );
}
