// One conversation in the list.

import { createMemo, Show } from "solid-js";
import type { Conversation } from "../../sdk/index";
import { now } from "../browser/attention";
import { draftOf } from "../browser/drafts";
import { addressOf, opened } from "../browser/route";
import { isRequest } from "../logic/conversations";
import { textOrFiles } from "../logic/files";
import { listTime, nameOf, titleOf } from "../logic/format";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { isolated } from "../text/sentence";
import { Avatar } from "./avatar";
import { later } from "./later";
import { Sentence } from "./sentence";

const PreviewMark = later(async () => (await import("./preview_mark")).PreviewMark);
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
              <span class="unread" data-testid="unread" aria-label={t().list.unread(it().unread)}>
                {it().unread > UNREAD_SHOWN_MAX ? `${UNREAD_SHOWN_MAX}+` : it().unread}
              </span>
            </Show>
          </span>
        </span>
      </a>
    </li>
  );
}

/** What the list shows of a conversation: who is typing, a draft, an unsent message, or the last message. */
function LastMessage(props: { conversation: Conversation }) {
  const model = useModel();
  const id = () => props.conversation.id;
  const typing = () => model.typing.in(id());
  /** A draft is shown while another conversation is open and nothing is unread. */
  const hasDraft = () => opened() !== id() && props.conversation.unread === 0;
  const draft = createMemo(() => (hasDraft() ? draftOf(model.me.id, id()).text.trim() : ""));
  const unsent = () => model.pending.in(id()).at(-1);
  const isMine = () => props.conversation.last_message?.sender === model.me.id;
  const name = (user: string) => nameOf(model.people.get(user));

  const text = () => {
    const [first] = typing();
    if (first !== undefined) return props.conversation.kind === "group" ? t().list.typingIn(name(first)) : t().list.typing;
    if (draft() !== "") return t().list.draft(line(draft()));
    const command = unsent()?.command;
    if (command?.cmd === "send") return t().list.preview(t().page.you, line(command.text || "📎"));
    return lastText();
  };
  const lastText = () => {
    const last = props.conversation.last_message;
    if (last?.kind !== "text") return t().list.noMessages;
    const shown = line(last.redacted ? t().list.deleted : textOrFiles(last.text ?? "", last.attachments));
    if (isMine()) return t().list.preview(t().page.you, shown);
    return props.conversation.kind === "group" ? t().list.preview(name(last.sender), shown) : isolated(shown);
  };
  return (
    <span class="last-message" classList={{ "is-typing": typing().length > 0 }} data-testid="last-message">
      <Show when={typing().length === 0 && draft() === "" && (unsent() || isMine())}>
        <PreviewMark conversation={props.conversation} unsent={unsent()} />
      </Show>
      <Sentence text={text()} />
    </span>
  );
}

const LINE_UNITS_MAX = 200;

/** Returns the start of a text on one line. */
function line(text: string): string {
  return text.slice(0, LINE_UNITS_MAX).replace(/\s+/g, " ");
}
