// The list of conversations, and the buttons for new ones.

import { createSignal, For, Match, onCleanup, onMount, Show, Switch } from "solid-js";
import { nameOf, titleOf } from "../logic/format";
import { isTitled } from "../logic/people";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Avatar } from "./avatar";
import { ConversationFilter } from "./conversation_filter";
import { ConversationItem } from "./conversation_item";
import { PenIcon, PeopleIcon } from "./icons";
import { later } from "./later";

const NewDirect = later(async () => (await import("./new_direct")).NewDirect);
const NewGroup = later(async () => (await import("./new_group")).NewGroup);
const ListSearch = later(async () => (await import("./search/list_search")).ListSearch);
const RequestList = later(async () => (await import("./request_list")).RequestList);
const Settings = later(async () => (await import("./settings/settings")).Settings);

type Dialogs = "direct" | "group" | "settings";
const MORE_BEFORE_PX = 300;

export function Sidebar() {
  const [dialog, setDialog] = createSignal<Dialogs>();
  const close = () => setDialog(undefined);
  return (
    <div class="sidebar">
      <SidebarHeader open={setDialog} />
      <ConversationList open={setDialog} />
      <Switch>
        <Match when={dialog() === "direct"}>
          <NewDirect onClose={close} />
        </Match>
        <Match when={dialog() === "group"}>
          <NewGroup onClose={close} />
        </Match>
        <Match when={dialog() === "settings"}>
          <Settings onClose={close} />
        </Match>
      </Switch>
    </div>
  );
}

function SidebarHeader(props: { open: (dialog: Dialogs) => void }) {
  const model = useModel();
  const name = () => nameOf(model.people.get(model.me.id));
  return (
    <header class="sidebar-header">
      <button
        type="button" class="me" data-testid="me" title={t().list.mySettings(model.me.username)}
        onClick={() => props.open("settings")}
      >
        <Avatar id={model.me.id} name={name()} size="small" />
        <span class="me-name">
          {name()}<span class="visually-hidden">: {t().list.settings}</span>
        </span>
      </button>
      <button
        type="button" class="icon-button" data-testid="new-direct" title={t().list.newConversation} aria-label={t().list.newConversation}
        onClick={() => props.open("direct")}
      >
        <PenIcon />
      </button>
      <button
        type="button" class="icon-button" data-testid="new-group" title={t().list.newGroup} aria-label={t().list.newGroup}
        onClick={() => props.open("group")}
      >
        <PeopleIcon />
      </button>
    </header>
  );
}

function ConversationList(props: { open: (dialog: Dialogs) => void }) {
  const { conversations } = useModel();
  const status = () => conversations.state.status;
  const isEmpty = () => conversations.open().length === 0;

  const [query, setQuery] = createSignal("");
  const isSearching = () => query().trim() !== "";
  const shown = () => conversations.open().filter((it) => isTitled(titleOf(it), query()));

  let list!: HTMLElement;
  let rows!: HTMLUListElement;

  function loadMore(): void {
    const below = list.scrollHeight - list.scrollTop - list.clientHeight;
    if (below < MORE_BEFORE_PX) void conversations.more();
  }

  /** Loads more when a page does not fill the list, also after the window was made taller. */
  onMount(() => {
    const observer = new ResizeObserver(loadMore);
    observer.observe(list);
    observer.observe(rows);
    onCleanup(() => observer.disconnect());
  });

  return (
    <>
      <ConversationFilter query={query()} onQuery={setQuery} />
      <nav ref={list} class="conversations" aria-label={t().list.conversations} onScroll={loadMore}>
        <Show when={conversations.requests().length > 0 && !isSearching()}>
          <RequestList />
        </Show>
        <Show when={isEmpty() && status() === "ready"}>
          <div class="list-empty" data-testid="list-empty">
            <p>{t().list.empty}</p>
            <button type="button" class="button" onClick={() => props.open("direct")}>{t().list.findSomeone}</button>
          </div>
        </Show>
        <Show when={isEmpty() && status() === "loading"}>
          <ul class="skeletons" aria-hidden="true" data-testid="list-loading">
            <For each={[1, 2, 3, 4]}>{() => <li class="skeleton" />}</For>
          </ul>
        </Show>
        <Show when={isEmpty() && status() === "failed"}>
          <div class="list-empty">
            <p>{t().list.notLoaded}</p>
            <button type="button" class="button" onClick={() => void conversations.reload()}>{t().page.tryAgain}</button>
          </div>
        </Show>
        <h2 class="list-heading" hidden={!isSearching()}>{t().list.conversations}</h2>
        <ul ref={rows} data-testid="conversation-list">
          <For each={shown()}>{(conversation) => <ConversationItem conversation={conversation} />}</For>
        </ul>
        <Show when={!isEmpty() && shown().length === 0}>
          <p class="none-found" role="status" data-testid="none-found">{t().list.noneFound}</p>
        </Show>
        <Show when={isSearching()}>
          <ListSearch text={query()} onClose={() => setQuery("")} />
        </Show>
      </nav>
    </>
  );
}
