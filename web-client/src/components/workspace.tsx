// The page of a logged-in user: the list on one side, the opened conversation on the other.

import { createEffect, onCleanup, onMount, Show, untrack } from "solid-js";
import { opened } from "../browser/route";
import { useModel } from "../state/model";
import { Banner } from "./banner";
import { ConversationPane } from "./conversation_pane";
import { EmptyPane } from "./empty_pane";
import { Sidebar } from "./sidebar";

const AWAY_AFTER_MS = 5 * 60_000;

export function Workspace() {
  const model = useModel();
  createEffect(() => {
    const id = opened();
    const isReady = model.conversations.state.status !== "loading";
    if (id && isReady) untrack(() => void model.open(id));
  });
  createEffect(() => {
    const unread = model.conversations.unread();
    document.title = unread > 0 ? `(${unread}) Confab` : "Confab";
  });
  onCleanup(() => (document.title = "Confab"));
  onMount(() => onCleanup(tellWhenAway((on) => model.client.away(on))));

  return (
    <div class="workspace" classList={{ "has-opened": opened() !== undefined }}>
      <Sidebar />
      <main class="pane">
        <Banner />
        <Show when={model.opened()?.id} keyed fallback={<EmptyPane />}>
          {(id) => <ConversationPane id={id} />}
        </Show>
      </main>
    </div>
  );
}

/** A page that nobody has looked at for minutes is away. */
function tellWhenAway(tell: (on: boolean) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAway = false;
  const become = (away: boolean) => {
    if (isAway !== away) tell(away);
    isAway = away;
  };
  const changed = () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") become(false);
    else timer = setTimeout(() => become(true), AWAY_AFTER_MS);
  };
  document.addEventListener("visibilitychange", changed);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", changed);
  };
}
