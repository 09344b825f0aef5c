// The page of a logged-in user: the list of conversations and the opened conversation.

import { createEffect, onCleanup, onMount, Show, untrack } from "solid-js";
import { goTo, opened } from "../browser/route";
import { useModel } from "../state/model_context";
import { loadMoreTexts } from "../text/language";
import { Banner } from "./banner";
import { EmptyPane } from "./empty_pane";
import { later, laterScreen } from "./later";
import { listenToShortcuts } from "./shortcuts";
import { Sidebar } from "./sidebar";

const loadPane = async () => (await import("./conversation_pane")).ConversationPane;
const ConversationPane = later(loadPane);
const PaneLoading = later(async () => (await import("./pane_loading")).PaneLoading);
const Overlays = laterScreen(async () => (await import("./overlays")).Overlays);

export function Workspace() {
  const model = useModel();
  const [shown, setShown] = listenToShortcuts();
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

  return (
    <main class="workspace" classList={{ "has-opened": opened() !== undefined }}>
      <h1 class="visually-hidden">Confab</h1>
      <Banner />
      <Sidebar />
      <Overlays shown={shown()} setShown={setShown} onClose={() => setShown()} />
      <div class="pane">
        <Show when={model.opened()?.id} keyed fallback={<Show when={opened()} fallback={<EmptyPane />}><PaneLoading /></Show>}>
          {(id) => <ConversationPane id={id} onClose={() => goTo(undefined)} />}
        </Show>
      </div>
    </main>
  );
}
