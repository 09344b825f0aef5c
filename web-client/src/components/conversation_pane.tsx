// One opened conversation: its header, timeline, composer and members.

import { createSignal, Show } from "solid-js";
import { opened } from "../browser/route";
import type { Conversation } from "../../sdk";
import { isRequest } from "../logic/conversations";
import { titleOf } from "../logic/format";
import type { MessageRow } from "../logic/window";
import { useModel } from "../state/model";
import { BlockedBar } from "./blocked_bar";
import { Composer } from "./composer";
import { ConversationHeader } from "./conversation_header";
import { MembersPanel } from "./members_panel";
import { RequestBar } from "./request_bar";
import { Timeline } from "./timeline";

/** The message that the composer edits or replies to. Undefined for a new message. */
export type ComposerTarget = { kind: "edit" | "reply"; row: MessageRow } | undefined;

export function ConversationPane(props: { id: string }) {
  const model = useModel();
  const [target, setTarget] = createSignal<ComposerTarget>();
  const [showsMembers, setShowsMembers] = createSignal(false);
  const conversation = () => model.conversations.get(props.id);
  /** Returns the other user of a direct conversation if this user has blocked them. */
  const blockedPeer = ({ peer }: Conversation) => (peer && model.blocks.has(peer.id) ? peer.id : undefined);
  return (
    <Show when={opened() === props.id && conversation()}>
      {(it) => (
        <div class="conversation-pane">
          <section class="conversation-main" aria-label="Conversation">
            <ConversationHeader
              conversation={it()} showsMembers={showsMembers()} onMembers={() => setShowsMembers((shown) => !shown)}
            />
            <Timeline conversation={it()} onTarget={setTarget} />
            <Show when={isRequest(it())}>
              <RequestBar conversation={it()} />
            </Show>
            <Show
              when={blockedPeer(it())}
              fallback={<Composer conversation={it()} target={target()} onTarget={setTarget} />}
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
