// One message that was found: where, when, by whom, and the part of its text with the words.

import { For, onMount, Show } from "solid-js";
import type { TextEntry } from "../../../sdk/index";
import type { FoundMessage } from "../../../sdk/search";
import { now } from "../../browser/attention";
import { dayName, fullTime } from "../../logic/dates";
import { textOrFiles } from "../../logic/files";
import { clockTime, daysApart, nameOf, titleOf } from "../../logic/format";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { Avatar } from "../avatar";
import { snippetOf } from "./snippet";

interface FoundItemProps {
  found: FoundMessage;
  entry: TextEntry;
  /** All results are from one conversation, so that its title says nothing. */
  isInConversation: boolean;
  onPick: () => void;
}

export function FoundItem(props: FoundItemProps) {
  const { conversations, me, people } = useModel();
  const { entry } = props; // an item is created for each message
  const conversation = () => conversations.get(props.found.conversation);
  onMount(() => conversation() || void conversations.fetch(props.found.conversation));

  const sender = () => (entry.sender === me.id ? t().page.you : nameOf(people.get(entry.sender)));
  const title = () => {
    const it = conversation();
    return props.isInConversation ? sender() : it ? titleOf(it) : nameOf(undefined);
  };
  const hasSender = () => !props.isInConversation && (entry.sender === me.id || conversation()?.kind === "group");
  const avatar = () => (props.isInConversation ? entry.sender : (conversation()?.peer?.id ?? props.found.conversation));
  const time = () => (daysApart(new Date(entry.sent_at), now()) === 0 ? clockTime(entry.sent_at) : dayName(entry.sent_at, now()));
  return (
    <button
      type="button" class="found" data-testid="found" data-conversation={props.found.conversation} data-seq={entry.seq}
      onClick={() => props.onPick()}
    >
      <Avatar id={avatar()} name={props.isInConversation ? nameOf(people.get(entry.sender)) : title()} size="small" />
      <span class="found-body">
        <span class="conversation-line">
          <span class="conversation-title">{title()}</span>
          <time class="conversation-time" dateTime={entry.sent_at} title={fullTime(entry.sent_at)}>{time()}</time>
        </span>
        <Show when={hasSender()}>
          <span class="found-sender">{sender()}</span>
        </Show>
        <span class="found-text">
          <For each={snippetOf(textOrFiles(entry.text ?? "", entry.attachments), props.found.highlights)}>
            {(part) => <Show when={part.isFound} fallback={part.text}><mark>{part.text}</mark></Show>}
          </For>
        </span>
      </span>
    </button>
  );
}
