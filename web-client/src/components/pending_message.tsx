// A message that is not in the log yet: queued, being sent, or failed.

import { createSignal, Show } from "solid-js";
import type { OutboxItem } from "../../sdk/index";
import { clockTime, titleOf } from "../logic/format";
import { stateOfItem } from "../logic/message_state";
import { sendRefusal } from "../logic/more_refusals";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import { PendingFiles } from "./attachments/pending_files";
import { fitBubble } from "./bubble_fit";
import { MessageText } from "./message_text";
import { Sentence } from "./sentence";
import { StateMark } from "./state_mark";

export function PendingMessage(props: { item: OutboxItem; joinsPrevious: boolean; joinsNext: boolean }) {
  const { client, conversations, pending } = useModel();
  const at = () => new Date(props.item.made_at).toISOString();
  const text = () => (props.item.command.cmd === "send" ? props.item.command.text : "");
  const files = () => (props.item.command.cmd === "send" ? props.item.command.attachments : undefined);
  const [isUnfolded, setUnfolded] = createSignal(false);
  const refusal = () => {
    const conversation = conversations.get(props.item.conversation);
    return sendRefusal(props.item.error ?? t().message.notSent, conversation ? titleOf(conversation) : t().refused.thisPerson);
  };
  let article!: HTMLElement;
  fitBubble(() => article, () => `${text()} ${stateOfItem(props.item)} ${clockTime(at())}`);
  return (
    <article
      ref={article}
      class="message mine" data-testid="message" data-state={stateOfItem(props.item)} data-seq={props.item.entry?.seq}
      data-client-id={props.item.client_id} aria-label={unmarked(t().message.by(t().page.you, clockTime(at())))}
      classList={{ continues: props.joinsPrevious, "goes-on": props.joinsNext }}
    >
      <div class="message-column">
        <div class="bubble" classList={{ failed: props.item.state === "failed" }}>
          <Show when={files()}>{(ids) => <PendingFiles ids={ids()} conversation={props.item.conversation} />}</Show>
          <Show when={text()}>
            <MessageText text={text()} isUnfolded={isUnfolded()} onUnfold={() => setUnfolded(true)} />
          </Show>
          <span class="message-meta">
            <time dateTime={at()}>{clockTime(at())}</time>
            <StateMark state={stateOfItem(props.item)} />
          </span>
        </div>
        <Show when={props.item.state === "queued" && pending.isUnsaved(props.item.client_id)}>
          <p class="unsaved" data-testid="unsaved">{t().message.notStored}</p>
        </Show>
        <Show when={props.item.state === "failed"}>
          <div class="failure" role="alert">
            <span><Sentence text={refusal()} /></span>
            <button type="button" class="text-button" data-testid="retry" onClick={() => client.outbox.retry(props.item.client_id)}>
              {t().page.tryAgain}
            </button>
            <button type="button" class="text-button" data-testid="discard" onClick={() => client.outbox.discard(props.item.client_id)}>
              {t().message.discard}
            </button>
          </div>
        </Show>
      </div>
    </article>
  );
}
