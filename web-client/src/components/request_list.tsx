// The requests at the top of the list, folded until the user opens them.

import { createEffect, createSignal, createUniqueId, For, Show } from "solid-js";
import { opened } from "../browser/route";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { ConversationItem } from "./conversation_item";
import { NextIcon, RequestIcon } from "./more_icons";
import "../styles/request_list.css";

export function RequestList() {
  const { conversations } = useModel();
  const [isOpen, setOpen] = createSignal(false);
  const id = createUniqueId();
  const requests = conversations.requests;
  const count = () => `${requests().length}${conversations.state.hasMoreRequests ? "+" : ""}`;

  // A request that is opened by its address is also shown in the list.
  createEffect(() => requests().some((it) => it.id === opened()) && setOpen(true));

  return (
    <section class="requests" aria-label={t().list.requests}>
      <button
        type="button" class="requests-button" data-testid="requests" aria-expanded={isOpen()} aria-controls={isOpen() ? id : undefined}
        onClick={() => setOpen((open) => !open)}
      >
        <RequestIcon />
        <span class="requests-title">{t().list.requests}</span>
        <span class="requests-count" data-testid="requests-count">{count()}</span>
        <NextIcon />
      </button>
      <Show when={isOpen()}>
        <ul id={id} data-testid="request-list">
          <For each={requests()}>{(conversation) => <ConversationItem conversation={conversation} />}</For>
        </ul>
      </Show>
    </section>
  );
}
