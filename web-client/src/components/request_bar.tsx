// The bar of a request: somebody wants to write to this user, or has added them to a group.

import { createSignal, Show } from "solid-js";
import type { Conversation } from "../../sdk/index";
import { adderOf } from "../logic/conversations";
import { nameOf, titleOf } from "../logic/format";
import { errorText } from "../logic/refusals";
import { useModel } from "../state/model";
import { notify } from "../state/notes";
import { BlockQuestion } from "./block_question";
import { Question } from "./question";

export function RequestBar(props: { conversation: Conversation }) {
  const model = useModel();
  const [asking, setAsking] = createSignal<"decline" | "block">();
  const [busy, setBusy] = createSignal(false);
  const id = () => props.conversation.id;
  const isDirect = () => props.conversation.kind === "direct";
  const title = () => titleOf(props.conversation);
  /** The user who started this: the other user, or the member who added this user to the group. */
  const starter = () => props.conversation.peer?.id ?? adderOf(model.timelines.rows(id()), model.me.id);
  const starterName = () => nameOf(model.people.get(starter() ?? ""));

  const text = () => {
    if (isDirect()) return `${title()} wants to write to you`;
    return starter() ? `${starterName()} added you to “${title()}”` : `You were added to “${title()}”`;
  };

  async function accept(): Promise<void> {
    if (busy()) return;
    setBusy(true);
    await model.accept(id()).catch((error: unknown) => notify(errorText(error), id()));
    setBusy(false);
  }

  return (
    <section class="request-bar" data-testid="request-bar" aria-label="Request">
      <p class="request-text" data-testid="request-text">{text()}</p>
      <p class="request-hint">They do not see that you have read this until you accept or answer.</p>
      <div class="request-buttons">
        <button type="button" class="button primary" data-testid="request-accept" aria-disabled={busy()} onClick={() => void accept()}>
          Accept
        </button>
        <button type="button" class="button" data-testid="request-decline" onClick={() => setAsking("decline")}>Decline</button>
        <Show when={starter()}>
          <button type="button" class="button danger" data-testid="request-block" onClick={() => setAsking("block")}>
            {isDirect() ? "Block" : `Block ${starterName()}`}
          </button>
        </Show>
      </div>
      <Show when={asking() === "decline"}>
        <Question
          title={isDirect() ? `Decline messages from ${title()}?` : `Decline “${title()}”?`} confirm="Decline"
          onConfirm={() => model.decline(id())} onClose={() => setAsking(undefined)}
        >
          The conversation disappears from your list, and new messages do not bring it back. The others do not notice it.
        </Question>
      </Show>
      <Show when={asking() === "block" && starter()}>
        {(user) => (
          <BlockQuestion user={user()} name={starterName()} onBlocked={() => model.decline(id())} onClose={() => setAsking(undefined)} />
        )}
      </Show>
    </section>
  );
}
