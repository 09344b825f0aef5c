// Messages of all conversations that match what is typed into the search field of the list.

import { createMemo, createSignal, onCleanup, onMount } from "solid-js";
import type { FoundMessage } from "../../../sdk/search";
import { goTo } from "../../browser/route";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { isSameQuery, NO_FILTERS, queryOf } from "./filters";
import { FoundMessages } from "./found_messages";
import { moveInResults } from "./result_keys";
import { SearchFilters } from "./search_filters";

export function ListSearch(props: { text: string; onClose: () => void }) {
  const model = useModel();
  const [filters, setFilters] = createSignal(NO_FILTERS);
  const query = createMemo(() => queryOf(props.text, filters()), undefined, { equals: isSameQuery });
  let place!: HTMLElement;

  onMount(() => {
    const sidebar = place.closest<HTMLElement>(".sidebar");
    const field = sidebar?.querySelector<HTMLElement>(".filter-field");
    if (!sidebar || !field) return;
    const pressed = (event: KeyboardEvent) => {
      const isInDialog = event.target instanceof Element && event.target.closest("dialog") !== null;
      if (!isInDialog) moveInResults(event, sidebar, field);
    };
    sidebar.addEventListener("keydown", pressed);
    onCleanup(() => sidebar.removeEventListener("keydown", pressed));
  });

  function show({ conversation, entry }: FoundMessage): void {
    model.timelines.want({ conversation, seq: entry.seq });
    goTo(conversation);
  }

  return (
    <section ref={place} aria-label={t().search.messages} data-testid="list-search">
      <h2 class="list-heading">{t().search.messages}</h2>
      <SearchFilters filters={filters()} onFilters={setFilters} />
      <FoundMessages query={query()} isInConversation={false} onPick={show} />
    </section>
  );
}
