// One conversation in the list.

import { Show } from "solid-js";
import type { Conversation } from "../../sdk/index";
import { now } from "../browser/attention";
import { addressOf, opened } from "../browser/route";
import { isRequest } from "../logic/conversations";
import { listTime, nameOf, titleOf } from "../logic/format";
import { useModel } from "../state/model";
import { Avatar } from "./avatar";

const UNREAD_SHOWN_MAX = 99;

export function ConversationItem(props: { conversation: Conversation }) {
  const it = () => props.conversation;
  const isOpened = () => opened() === it().id;
  return (
    <li>
      <a
        class="conversation" href={addressOf(it().id)} data-testid="conversation-item" data-conversation={it().id}
        data-kind={it().kind} aria-current={isOpened() ? "page" : undefined}
      >
        <Avatar id={it().peer?.id ?? it().id} name={titleOf(it())} user={it().peer?.id} />
        <span class="conversation-text">
          <span class="conversation-line">
            <span class="conversation-title" data-testid="conversation-title">{titleOf(it())}</span>
            <Show when={it().last_message}>
              {(last) => <time class="conversation-time" dateTime={last().sent_at}>{listTime(last().sent_at, now())}</time>}
            </Show>
          </span>
          <span class="conversation-line">
            <LastMessage conversation={it()} />
            <Show when={it().unread > 0 && !isRequest(it())}>
              <span class="unread" data-testid="unread" aria-label={`${it().unread} unread`}>
                {it().unread > UNREAD_SHOWN_MAX ? `${UNREAD_SHOWN_MAX}+` : it().unread}
              </span>
            </Show>
          </span>
        </span>
      </a>
    </li>
  );
}

function LastMessage(props: { conversation: Conversation }) {
  const model = useModel();
  const typing = () => model.typing.in(props.conversation.id);
  const typingText = () => (props.conversation.kind === "group" ? `${nameOf(model.people.get(typing()[0] ?? ""))}: typing…` : "typing…");
  const text = () => {
    const last = props.conversation.last_message;
    if (last?.kind !== "text") return "No messages yet";
    const shown = last.redacted ? "Message deleted" : (last.text ?? "");
    return `${sender(last.sender)}${shown.replace(/\s+/g, " ")}`;
  };
  const sender = (id: string) => {
    if (id === model.me.id) return "You: ";
    return props.conversation.kind === "group" ? `${nameOf(model.people.get(id))}: ` : "";
  };
  return (
    <span class="last-message" classList={{ "is-typing": typing().length > 0 }} data-testid="last-message">
      {typing().length > 0 ? typingText() : text()}
    </span>
  );
}
