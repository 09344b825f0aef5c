// One opened conversation: its header, timeline, composer and members.

import { createSignal, Show } from "solid-js";
import { draftOf, type DraftTarget } from "../browser/drafts";
import { opened } from "../browser/route";
import type { Conversation } from "../../sdk/index";
import { isRequest } from "../logic/conversations";
import { titleOf } from "../logic/format";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { BlockedBar } from "./blocked_bar";
import { Composer } from "./composer";
import { ConversationHeader } from "./conversation_header";
import { later } from "./later";
import { RequestBar } from "./request_bar";
import { Timeline } from "./timeline";
import "../styles/timeline.css";
import "../styles/markup.css";
import "../styles/actions.css";
import "../styles/composer.css";
import "../styles/request.css";

const MembersPanel = later(async () => (await import("./members_panel")).MembersPanel);

/** The message that the composer edits or replies to. Undefined for a new message. */
export type ComposerTarget = DraftTarget | undefined;

export function ConversationPane(props: { id: string; onClose: () => void }) {
  const model = useModel();
  const [target, setTarget] = createSignal<ComposerTarget>(draftOf(model.me.id, props.id).target);
  const [showsMembers, setShowsMembers] = createSignal(false);
  const conversation = () => model.conversations.get(props.id);
  /** Keeps only what a draft needs of the message. */
  const aim = (target: ComposerTarget) => {
    if (!target) return setTarget(undefined);
    const { seq, sender, text } = target.row;
    setTarget({ kind: target.kind, row: { seq, sender, text } });
  };
  /** Returns the other user of a direct conversation if this user has blocked them. */
  const blockedPeer = ({ peer }: Conversation) => (peer && model.blocks.has(peer.id) ? peer.id : undefined);
  return (
    <Show when={opened() === props.id && conversation()}>
      {(it) => (
        <div class="conversation-pane">
          <section class="conversation-main" aria-label={t().header.conversation}>
            <ConversationHeader
              conversation={it()} showsMembers={showsMembers()} onMembers={() => setShowsMembers((shown) => !shown)}
            />
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
          <Show when={showsMembers() && it().kind === "group"}>
            <MembersPanel conversation={it()} onClose={() => setShowsMembers(false)} />
          </Show>
        </div>
      )}
    </Show>
  );
}
