// One opened conversation: its header, timeline, composer and members.

import { createSignal, Show } from "solid-js";
import { draftOf, type DraftTarget } from "../browser/drafts";
import { opened } from "../browser/route";
import type { Conversation } from "../../sdk/index";
import { isRequest } from "../logic/conversations";
import { titleOf } from "../logic/format";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { attach } from "./attachments/attach";
import { createDropping } from "./attachments/dropping";
import { uploadsIn } from "./attachments/uploads";
import { BlockedBar } from "./blocked_bar";
import { Composer } from "./composer";
import { ConversationHeader, type Panel } from "./conversation_header";
import { later } from "./later";
import { RequestBar } from "./request_bar";
import { Timeline } from "./timeline";
import { isSearchShortcut } from "./timeline_keys";
import "../styles/timeline.css";
import "../styles/markup.css";
import "../styles/actions.css";
import "../styles/composer.css";
import "../styles/files.css";
import "../styles/request.css";

const MembersPanel = later(async () => (await import("./members_panel")).MembersPanel);
const SearchPanel = later(async () => (await import("./search/search_panel")).SearchPanel);

/** The message that the composer edits or replies to. Undefined for a new message. */
export type ComposerTarget = DraftTarget | undefined;

export function ConversationPane(props: { id: string; onClose: () => void }) {
  const model = useModel();
  const [target, setTarget] = createSignal<ComposerTarget>(draftOf(model.me.id, props.id).target);
  const [panel, setPanel] = createSignal<Panel>();
  const conversation = () => model.conversations.get(props.id);
  /** Keeps only what a draft needs of the message. */
  const aim = (target: ComposerTarget) => {
    if (!target) return setTarget(undefined);
    const { seq, sender, text } = target.row;
    setTarget({ kind: target.kind, row: { seq, sender, text } });
  };
  const dropping = createDropping((files) => attach(uploadsIn(model.client, props.id), files, props.id));
  /** Opens the search, or focuses it. In its field, the shortcut is left to the browser, which searches the whole page. */
  function searchOnShortcut(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
    const field = event.currentTarget.querySelector<HTMLElement>(".search-text");
    if (!isSearchShortcut(event) || document.activeElement === field) return;
    event.preventDefault();
    setPanel("search");
    field?.focus();
  }
  /** Returns the other user of a direct conversation if this user has blocked them. */
  const blockedPeer = ({ peer }: Conversation) => (peer && model.blocks.has(peer.id) ? peer.id : undefined);
  return (
    <Show when={opened() === props.id && conversation()}>
      {(it) => (
        <div class="conversation-pane" onKeyDown={searchOnShortcut}>
          <section class="conversation-main" aria-label={t().header.conversation} {...(blockedPeer(it()) ? {} : dropping.handlers)}>
            <Show when={dropping.isOver()}>
              <p class="drop-here" data-testid="drop-here">{t().files.drop}</p>
            </Show>
            <ConversationHeader conversation={it()} panel={panel()} onPanel={setPanel} />
            <Timeline conversation={it()} onTarget={aim} />
            <Show when={isRequest(it())}>
              <RequestBar conversation={it()} />
            </Show>
            <Show
              when={blockedPeer(it())}
              fallback={<Composer conversation={it()} target={target()} onTarget={aim} />}
            >
              {(user) => <BlockedBar user={user()} name={titleOf(it())} />}
            </Show>
          </section>
          <Show when={panel() === "members" && it().kind === "group"}>
            <MembersPanel conversation={it()} onClose={() => setPanel(undefined)} />
          </Show>
          <Show when={panel() === "search"}>
            <SearchPanel conversation={it()} onClose={() => setPanel(undefined)} />
          </Show>
        </div>
      )}
    </Show>
  );
}
