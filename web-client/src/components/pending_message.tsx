// A message that is not in the log yet: queued, being sent, or failed.

import { createSignal, Show } from "solid-js";
import type { OutboxItem } from "../../sdk/index";
import { clockTime, titleOf } from "../logic/format";
import { stateOfItem } from "../logic/message_state";
import { sendRefusal } from "../logic/refusals";
import { useModel } from "../state/model";
import { MessageText } from "./message_text";
import { StateMark } from "./state_mark";

export function PendingMessage(props: { item: OutboxItem; joinsPrevious: boolean; joinsNext: boolean }) {
  const { client, conversations, pending } = useModel();
  const at = () => new Date(props.item.made_at).toISOString();
  const text = () => (props.item.command.cmd === "send" ? props.item.command.text : "");
  const [isUnfolded, setUnfolded] = createSignal(false);
  const refusal = () => {
    const conversation = conversations.get(props.item.conversation);
    return sendRefusal(props.item.error ?? "not sent", conversation ? titleOf(conversation) : "this person");
  };
  return (
    <article
      class="message mine" data-testid="message" data-state={stateOfItem(props.item)} data-seq={props.item.entry?.seq}
      data-client-id={props.item.client_id} aria-label={`You, ${clockTime(at())}`}
      classList={{ continues: props.joinsPrevious, "goes-on": props.joinsNext }}
    >
      <div class="message-column">
        <div class="bubble" classList={{ failed: props.item.state === "failed" }}>
          <MessageText text={text()} isUnfolded={isUnfolded()} onUnfold={() => setUnfolded(true)} />
          <span class="message-meta">
            <time dateTime={at()}>{clockTime(at())}</time>
            <StateMark state={stateOfItem(props.item)} />
          </span>
        </div>
        <Show when={props.item.state === "queued" && pending.isUnsaved(props.item.client_id)}>
          <p class="unsaved" data-testid="unsaved">Not stored on this device. Keep this page open until it is sent.</p>
        </Show>
        <Show when={props.item.state === "failed"}>
          <div class="failure" role="alert">
            <span>{refusal()}</span>
            <button type="button" class="text-button" data-testid="retry" onClick={() => client.outbox.retry(props.item.client_id)}>
              Try again
            </button>
            <button type="button" class="text-button" data-testid="discard" onClick={() => client.outbox.discard(props.item.client_id)}>
              Discard
            </button>
          </div>
        </Show>
      </div>
    </article>
  );
}
