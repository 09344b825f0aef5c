// One opened conversation: who it is with, its timeline, and where one writes.

import { createSignal, Show } from "solid-js";
import { opened } from "../browser/route";
import { useModel } from "../state/model";
import type { MessageRow } from "../logic/window";
import { Composer } from "./composer";
import { ConversationHeader } from "./conversation_header";
import { MembersPanel } from "./members_panel";
import { Timeline } from "./timeline";

/** What the composer is about, besides a new message. */
export type Aim = { kind: "edit" | "reply"; row: MessageRow } | undefined;

export function ConversationPane(props: { id: string }) {
  const model = useModel();
  const [aim, setAim] = createSignal<Aim>();
  const [showsMembers, setShowsMembers] = createSignal(false);
  const conversation = () => model.conversations.get(props.id);
  return (
    <Show when={opened() === props.id && conversation()}>
      {(it) => (
        <div class="conversation-pane">
          <section class="conversation-main" aria-label="Conversation">
            <ConversationHeader
              conversation={it()} showsMembers={showsMembers()} onMembers={() => setShowsMembers((shown) => !shown)}
            />
            <Timeline conversation={it()} onAim={setAim} />
            <Composer conversation={it()} aim={aim()} onAim={setAim} />
          </section>
          <Show when={showsMembers() && it().kind === "group"}>
            <MembersPanel conversation={it()} onClose={() => setShowsMembers(false)} />
          </Show>
        </div>
      )}
    </Show>
  );
}
