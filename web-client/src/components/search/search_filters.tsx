// The filters of a search as chips: a person, links or files, and the first and the last day.

import { createSignal, type JSX, Show } from "solid-js";
import { nameOf } from "../../logic/format";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { AttachIcon } from "../file_icons";
import { CloseIcon } from "../icons";
import { LinkIcon, PersonIcon } from "../more_icons";
import { Sentence } from "../sentence";
import type { Filters } from "./filters";
import { SenderDialog } from "./sender_dialog";

interface FiltersProps {
  filters: Filters;
  onFilters: (filters: Filters) => void;
  conversation?: string | undefined;
}

export function SearchFilters(props: FiltersProps) {
  const [isPicking, setPicking] = createSignal(false);
  const change = (changed: Partial<Filters>) => props.onFilters({ ...props.filters, ...changed });
  return (
    <div class="search-filters" role="group" aria-label={t().search.filters}>
      <Show
        when={props.filters.sender}
        fallback={
          <button type="button" class="filter-chip" data-testid="filter-person" aria-haspopup="dialog" onClick={() => setPicking(true)}>
            <PersonIcon />
            {t().search.from}
          </button>
        }
      >
        {(sender) => (
          <Removable text={t().search.fromPerson(nameOf(sender()))} testid="filter-person-remove" onRemove={() => change({ sender: undefined })} />
        )}
      </Show>
      <HasChip {...props} has="link" testid="filter-links"><LinkIcon />{t().search.links}</HasChip>
      <HasChip {...props} has="attachment" testid="filter-files"><AttachIcon />{t().search.files}</HasChip>
      <DateChip label={t().search.since} testid="filter-since" day={props.filters.since} onDay={(since) => change({ since })} />
      <DateChip label={t().search.until} testid="filter-until" day={props.filters.until} onDay={(until) => change({ until })} />
      <Show when={isPicking()}>
        <SenderDialog
          conversation={props.conversation} onClose={() => setPicking(false)}
          onPick={(sender) => change({ sender })}
        />
      </Show>
    </div>
  );
}

/** Shows only messages that have something. A message may have both, but a search finds one of them. */
function HasChip(props: FiltersProps & { has: "link" | "attachment"; testid: string; children: JSX.Element }) {
  const isChosen = () => props.filters.has === props.has;
  return (
    <button
      type="button" class="filter-chip" data-testid={props.testid} aria-pressed={isChosen()}
      onClick={() => props.onFilters({ ...props.filters, has: isChosen() ? undefined : props.has })}
    >
      {props.children}
    </button>
  );
}

function DateChip(props: { label: string; testid: string; day: string; onDay: (day: string) => void }) {
  return (
    <span class="filter-chip filter-date" classList={{ chosen: props.day !== "" }}>
      <label>
        {props.label}
        <input type="date" data-testid={props.testid} value={props.day} onChange={(event) => props.onDay(event.currentTarget.value)} />
      </label>
      <Show when={props.day}>
        <RemoveButton text={props.label} testid={`${props.testid}-remove`} onRemove={() => props.onDay("")} />
      </Show>
    </span>
  );
}

function Removable(props: { text: string; testid: string; onRemove: () => void }) {
  return (
    <span class="filter-chip chosen">
      <Sentence text={props.text} />
      <RemoveButton {...props} />
    </span>
  );
}

function RemoveButton(props: { text: string; testid: string; onRemove: () => void }) {
  return (
    <button
      type="button" class="chip-button" data-testid={props.testid} aria-label={unmarked(t().search.removeFilter(props.text))}
      onClick={() => props.onRemove()}
    >
      <CloseIcon />
    </button>
  );
}
