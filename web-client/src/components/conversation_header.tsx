// The header of a conversation: title, presence and typing.

import { Show } from "solid-js";
import type { Conversation } from "../../sdk/index";
import { now } from "../browser/attention";
import { goTo } from "../browser/route";
import { listed } from "../logic/dates";
import { lastSeen, nameOf, titleOf } from "../logic/format";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Avatar } from "./avatar";
import { DirectMenu } from "./direct_menu";
import { PeopleIcon } from "./icons";
import { BackIcon, SearchIcon } from "./more_icons";
import { Sentence } from "./sentence";
import "../styles/header.css";

export type Panel = "members" | "search" | undefined;

interface HeaderProps {
  conversation: Conversation;
  /** What is open beside the messages. */
  panel: Panel;
  onPanel: (panel: Panel) => void;
}

export function ConversationHeader(props: HeaderProps) {
  const it = () => props.conversation;
  const toggle = (panel: Panel) => props.onPanel(props.panel === panel ? undefined : panel);
  return (
    <header class="pane-header">
      <button type="button" class="icon-button back" data-testid="back" aria-label={t().header.backToList} onClick={() => goTo(undefined)}>
        <BackIcon />
      </button>
      <Avatar id={it().peer?.id ?? it().id} name={titleOf(it())} user={it().peer?.id} />
      <div class="pane-title">
        <h2 data-testid="header-title">{titleOf(it())}</h2>
        <Status conversation={it()} />
      </div>
      <button
        type="button" class="icon-button" data-testid="show-search" aria-label={t().search.here} title={t().search.here}
        aria-expanded={props.panel === "search"} onClick={() => toggle("search")}
      >
        <SearchIcon />
      </button>
      <Show when={it().kind === "group"}>
        <button
          type="button" class="icon-button" data-testid="show-members" aria-label={t().header.members} title={t().header.members}
          aria-expanded={props.panel === "members"} onClick={() => toggle("members")}
        >
          <PeopleIcon />
        </button>
      </Show>
      <Show when={it().peer?.id}>{(peer) => <DirectMenu conversation={it()} peer={peer()} />}</Show>
    </header>
  );
}

function Status(props: { conversation: Conversation }) {
  const model = useModel();
  const typing = () => model.typing.in(props.conversation.id);
  const idleStatus = () => {
    const { kind, peer, member_count } = props.conversation;
    if (kind === "group") return t().header.memberCount(member_count);
    return (peer && lastSeen(model.people.presence(peer.id), now())) || `@${peer?.username ?? ""}`;
  };
  const typingText = () => {
    if (props.conversation.kind === "direct") return t().list.typing;
    return t().header.typing(listed(typing().map((user) => nameOf(model.people.get(user)))));
  };
  return (
    <Show when={typing().length > 0} fallback={<p class="pane-status" data-testid="header-status"><Sentence text={idleStatus()} /></p>}>
      <p class="pane-status is-typing" data-testid="typing"><Sentence text={typingText()} /></p>
    </Show>
  );
}
