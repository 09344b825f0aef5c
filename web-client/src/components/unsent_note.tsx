// What is said below a message that could not be stored or sent.

import { Show } from "solid-js";
import type { Conversation, OutboxItem } from "../../sdk/index";
import { titleOf } from "../logic/format";
import { sendRefusal } from "../logic/more_refusals";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Sentence } from "./sentence";

export function UnsentNote(props: { item: OutboxItem; conversation: Conversation }) {
  const { client } = useModel();
  return (
    <>
      <Show when={props.item.state === "queued" && props.item.isKept === false}>
        <p class="unsaved" data-testid="unsaved">{t().message.notStored}</p>
      </Show>
      <Show when={props.item.state === "failed"}>
        <div class="failure" role="alert">
          <span><Sentence text={sendRefusal(props.item.error ?? t().message.notSent, titleOf(props.conversation))} /></span>
          <button type="button" class="text-button" data-testid="retry" onClick={() => client.outbox.retry(props.item.client_id)}>
            {t().page.tryAgain}
          </button>
          <button type="button" class="text-button" data-testid="discard" onClick={() => client.outbox.discard(props.item.client_id)}>
            {t().message.discard}
          </button>
        </div>
      </Show>
    </>
  );
}
