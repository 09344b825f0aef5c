// Search within the open conversation, beside its messages.

import { createMemo, createSignal, onCleanup, onMount } from "solid-js";
import type { Conversation } from "../../../sdk/index";
import { titleOf } from "../../logic/format";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { CloseIcon } from "../icons";
import { isSameQuery, NO_FILTERS, queryOf } from "./filters";
import { FoundMessages } from "./found_messages";
import { moveInResults } from "./result_keys";
import { SearchFilters } from "./search_filters";
import "../../styles/members.css";
import "../../styles/field.css";

/** In narrower windows the panel covers the messages. */
const COVERS = "(max-width: 1020px)";

export function SearchPanel(props: { conversation: Conversation; onClose: () => void }) {
  const model = useModel();
  const [text, setText] = createSignal("");
  const [filters, setFilters] = createSignal(NO_FILTERS);
  const query = createMemo(() => queryOf(text(), filters(), props.conversation.id), undefined, { equals: isSameQuery });
  const before = document.activeElement;
  let panel!: HTMLElement;
  let field!: HTMLInputElement;
  onMount(() => field.focus());
  onCleanup(() => {
    const hasFocus = panel.contains(document.activeElement) || document.activeElement === document.body;
    if (hasFocus && before instanceof HTMLElement) before.focus();
  });

  function pressed(event: KeyboardEvent): void {
    if (event.target instanceof Element && event.target.closest("dialog")) return;
    if (moveInResults(event, panel, field) || event.key !== "Escape") return;
    event.stopPropagation();
    props.onClose();
  }

  function show(seq: number): void {
    if (matchMedia(COVERS).matches) props.onClose();
    model.timelines.want({ conversation: props.conversation.id, seq });
  }

  return (
    <aside
      ref={panel} class="members search-panel" aria-label={unmarked(t().search.searchIn(titleOf(props.conversation)))} data-testid="search-panel"
      onKeyDown={pressed}
    >
      <header class="members-header">
        <h3>{t().search.search}</h3>
        <button type="button" class="icon-button" data-testid="search-close" aria-label={t().search.close} onClick={() => props.onClose()}>
          <CloseIcon />
        </button>
      </header>
      <input
        ref={field} class="input search-text" type="search" dir="auto" autocomplete="off" placeholder={t().search.here} aria-label={t().search.here}
        data-testid="search-text" value={text()} onInput={(event) => setText(event.currentTarget.value)}
      />
      <SearchFilters filters={filters()} onFilters={setFilters} conversation={props.conversation.id} />
      <FoundMessages query={query()} isInConversation onPick={({ entry }) => show(entry.seq)} />
    </aside>
  );
}
