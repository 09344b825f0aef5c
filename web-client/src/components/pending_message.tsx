// A message that is not in the log yet: queued, being sent, or failed.

import { Show } from "solid-js";
import type { OutboxItem } from "../../sdk";
import { clockTime } from "../logic/format";
import { stateOfItem } from "../logic/message_state";
import { useModel } from "../state/model";
import { errorText } from "../state/notes";
import { StateMark } from "./state_mark";

export function PendingMessage(props: { item: OutboxItem; joinsPrevious: boolean; joinsNext: boolean }) {
  const { client } = useModel();
  const at = () => new Date(props.item.made_at).toISOString();
  const text = () => (props.item.command.cmd === "send" ? props.item.command.text : "");
  return (
    <article
      class="message mine" data-testid="message" data-state={stateOfItem(props.item)} data-seq={props.item.entry?.seq}
      data-client-id={props.item.client_id} aria-label={`You, ${clockTime(at())}`}
      classList={{ continues: props.joinsPrevious, "goes-on": props.joinsNext }}
    >
      <div class="message-column">
        <div class="bubble" classList={{ failed: props.item.state === "failed" }}>
          <span class="message-text" data-testid="message-text">{text()}</span>
          <span class="message-meta">
            <time dateTime={at()}>{clockTime(at())}</time>
            <StateMark state={stateOfItem(props.item)} />
          </span>
        </div>
        <Show when={props.item.state === "failed"}>
          <div class="failure" role="alert">
            <span>{errorText(props.item.error ?? "not sent")}.</span>
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
