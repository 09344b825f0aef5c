// The bar of a request: somebody wants to write to this user, or has added them to a group.

import { createSignal, Show } from "solid-js";
import type { Conversation } from "../../sdk/index";
import { adderOf } from "../logic/conversations";
import { nameOf, titleOf } from "../logic/format";
import { errorText } from "../logic/refusals";
import { useModel } from "../state/model_context";
import { notify } from "../state/notes";
import { t } from "../text/language";
import { BlockQuestion } from "./block_question";
import { Question } from "./question";
import { Sentence } from "./sentence";

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
    if (isDirect()) return t().request.wantsToWrite(title());
    return starter() ? t().request.addedYou(starterName(), title()) : t().request.wereAdded(title());
  };

  async function accept(): Promise<void> {
    if (busy()) return;
    setBusy(true);
    await model.accept(id()).catch((error: unknown) => notify(errorText(error), id()));
    setBusy(false);
  }

  return (
    <section class="request-bar" data-testid="request-bar" aria-label={t().request.request}>
      <p class="request-text" data-testid="request-text"><Sentence text={text()} /></p>
      <p class="request-hint">{t().request.hint}</p>
      <div class="request-buttons">
        <button type="button" class="button primary" data-testid="request-accept" aria-disabled={busy()} onClick={() => void accept()}>
          {t().request.accept}
        </button>
        <button type="button" class="button" data-testid="request-decline" onClick={() => setAsking("decline")}>{t().request.decline}</button>
        <Show when={starter()}>
          <button type="button" class="button danger" data-testid="request-block" onClick={() => setAsking("block")}>
            <Sentence text={isDirect() ? t().block.confirm : t().header.block(starterName())} />
          </button>
        </Show>
      </div>
      <Show when={asking() === "decline"}>
        <Question
          title={isDirect() ? t().request.declinePerson(title()) : t().request.declineGroup(title())} confirm={t().request.decline}
          onConfirm={() => model.decline(id())} onClose={() => setAsking(undefined)}
        >
          {t().request.declineText}
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
