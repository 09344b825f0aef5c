// Opens a conversation by a part of its title. The arrow keys choose, Enter opens.

import { createMemo, createSignal, createUniqueId, For, Show } from "solid-js";
import { goTo } from "../browser/route";
import { titleOf } from "../logic/format";
import { isTitled } from "../logic/people";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Avatar } from "./avatar";
import { Dialog } from "./dialog";
import "../styles/field.css";
import "../styles/shortcuts.css";

const SHOWN_MAX = 50;

export function QuickSwitcher(props: { onClose: () => void }) {
  const { conversations } = useModel();
  const [query, setQuery] = createSignal("");
  const [at, setAt] = createSignal(0);
  const id = createUniqueId();
  const found = createMemo(() => conversations.open().filter((it) => isTitled(titleOf(it), query())).slice(0, SHOWN_MAX));
  const optionId = (index: number) => `${id}-${index}`;

  function open(conversation: string | undefined): void {
    if (!conversation) return;
    props.onClose();
    goTo(conversation);
  }

  function pressed(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Enter") return open(found()[at()]?.id);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const count = found().length;
    if (step === undefined || count === 0) return;
    event.preventDefault();
    setAt((at() + step + count) % count);
    document.getElementById(optionId(at()))?.scrollIntoView({ block: "nearest" });
  }

  return (
    <Dialog title={t().shortcuts.switcher} testid="quick-switcher" onClose={() => props.onClose()}>
      <input
        class="input" type="search" dir="auto" autofocus autocomplete="off" role="combobox" aria-expanded="true" aria-controls={id}
        aria-activedescendant={found().length > 0 ? optionId(at()) : undefined} placeholder={t().list.filter} aria-label={t().list.filter}
        data-testid="switcher-query" value={query()} onKeyDown={pressed}
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          setAt(0);
        }}
      />
      <ul id={id} class="switcher-list" role="listbox" aria-label={t().list.conversations}>
        <For each={found()}>
          {(conversation, index) => (
            <li
              id={optionId(index())} class="switcher-item" role="option" aria-selected={index() === at()} data-testid="switcher-item"
              onClick={() => open(conversation.id)}
            >
              <Avatar id={conversation.peer?.id ?? conversation.id} name={titleOf(conversation)} size="small" />
              <span class="person-name">{titleOf(conversation)}</span>
            </li>
          )}
        </For>
      </ul>
      <Show when={found().length === 0}>
        <p class="dialog-hint" role="status">{t().list.noneFound}</p>
      </Show>
    </Dialog>
  );
}
