// The page of a logged-in user: the list of conversations and the opened conversation.

import { createEffect, onCleanup, onMount, Show, untrack } from "solid-js";
import { goTo, opened } from "../browser/route";
import { useModel } from "../state/model_context";
import { loadMoreTexts } from "../text/language";
import { Banner } from "./banner";
import { EmptyPane } from "./empty_pane";
import { later, laterScreen } from "./later";
import { Sidebar } from "./sidebar";

const loadPane = async () => (await import("./conversation_pane")).ConversationPane;
const ConversationPane = later(loadPane);
const PaneLoading = later(async () => (await import("./pane_loading")).PaneLoading);
const Overlays = laterScreen(async () => (await import("./overlays")).Overlays);
const AWAY_AFTER_MS = 5 * 60_000;

export function Workspace(_: { onClose: () => void }) {
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
  onMount(() => void Promise.all([loadPane(), loadMoreTexts()]).catch(() => undefined)); // before the user opens a conversation
  onMount(() => onCleanup(reportAway((on) => model.client.away(on))));

  return (
    <main class="workspace" classList={{ "has-opened": opened() !== undefined }}>
      <h1 class="visually-hidden">Confab</h1>
      <Banner />
      <Sidebar />
      <Overlays onClose={() => undefined} />
      <div class="pane">
        <Show when={model.opened()?.id} keyed fallback={<Show when={opened()} fallback={<EmptyPane />}><PaneLoading onClose={() => undefined} /></Show>}>
          {(id) => <ConversationPane id={id} onClose={() => goTo(undefined)} />}
        </Show>
      </div>
    </main>
  );
}

/** Reports the device as away when the page has been hidden for some minutes. */
function reportAway(report: (on: boolean) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAway = false;
  const setAway = (away: boolean) => {
    if (isAway !== away) report(away);
    isAway = away;
  };
  const changed = () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") setAway(false);
    else timer = setTimeout(() => setAway(true), AWAY_AFTER_MS);
  };
  document.addEventListener("visibilitychange", changed);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", changed);
  };
}
