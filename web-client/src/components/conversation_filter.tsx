// The field that filters the list of conversations by title, and finds messages.

import { t } from "../text/language";

export function ConversationFilter(props: { query: string; onQuery: (query: string) => void }) {
  return (
    <div class="filter">
      <input
        class="filter-field" type="search" dir="auto" autocomplete="off" placeholder={t().list.filter} aria-label={t().list.filter}
        data-testid="conversation-filter" value={props.query} onInput={(event) => props.onQuery(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && props.onQuery("")}
      />
    </div>
  );
}
