// The messages that a search finds. More are loaded when the user scrolls to the end.

import { createEffect, createSignal, For, Match, onCleanup, Show, Switch } from "solid-js";
import { isCode } from "../../../sdk/index";
import { findMessages, type FoundMessage, type MessageQuery } from "../../../sdk/search";
import { errorText } from "../../logic/refusals";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { watchView } from "../in_view";
import { Skeleton } from "../skeleton";
import { FoundItem } from "./found_item";
import { MessageSearch, NO_RESULTS, type SearchResults } from "./message_search";
import "../../styles/search.css";

const SKELETONS = 4;

interface FoundMessagesProps {
  query: MessageQuery | undefined;
  isInConversation: boolean;
  onPick: (found: FoundMessage) => void;
}

export function FoundMessages(props: FoundMessagesProps) {
  const { client } = useModel();
  const [results, setResults] = createSignal(NO_RESULTS);
  const search = new MessageSearch((query, cursor, signal) => findMessages(client, query, cursor, signal), setResults);
  createEffect(() => search.search(props.query));
  onCleanup(() => search.stop());
  const isEmpty = () => results().items.length === 0;

  return (
    <div class="found-messages" aria-busy={results().status === "loading"}>
      <p class="found-count" role="status" data-testid="found-count">{countText(results())}</p>
      <ul aria-label={t().search.messages} data-testid="found-list">
        <For each={results().items}>
          {(found) => {
            const { entry } = found;
            return entry.kind === "text" && (
              <li><FoundItem found={found} entry={entry} isInConversation={props.isInConversation} onPick={() => props.onPick(found)} /></li>
            );
          }}
        </For>
      </ul>
      <Switch>
        <Match when={results().status === "loading" && isEmpty()}>
          <Skeleton kind="people" count={SKELETONS} testid="found-loading" />
        </Match>
        <Match when={results().status === "failed"}>
          <div class="found-failed" role="alert" data-testid="found-failed">
            <p>{failureText(results().error)}</p>
            <button type="button" class="button small" data-testid="found-retry" onClick={() => search.retry()}>{t().page.tryAgain}</button>
          </div>
        </Match>
        <Match when={results().status === "ready" && results().hasMore}>
          <EndOfList onReach={() => search.more()} />
        </Match>
      </Switch>
      <Show when={results().status === "idle" && props.isInConversation}>
        <p class="found-hint">{t().search.hint}</p>
      </Show>
    </div>
  );
}

/** Calls `onReach` once when it is near the visible part. A new one is made for each page. */
function EndOfList(props: { onReach: () => void }) {
  let end!: HTMLDivElement;
  watchView(() => end, (isInView) => isInView && props.onReach(), "300px");
  return <div ref={end} class="found-end"><span class="spinner" /></div>;
}

function countText({ status, items, hasMore }: SearchResults): string {
  if (status !== "ready") return "";
  if (items.length === 0) return t().search.none;
  return hasMore ? t().search.newest(items.length) : t().search.found(items.length);
}

function failureText(error: unknown): string {
  return isCode(error, "unavailable") ? t().search.unavailable : errorText(error);
}
