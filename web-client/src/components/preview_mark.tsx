// The state of this user's last message, in the list. Nothing is shown while the receipts of the others are unknown.

import { createEffect, createMemo, createSignal, onCleanup, Show } from "solid-js";
import type { Conversation, OutboxItem } from "../../sdk/index";
import { type MessageState, stateOfEntry, stateOfItem } from "../logic/message_state";
import { MEMBERS_PAGE } from "../state/members";
import type { Model } from "../state/model";
import { useModel } from "../state/model_context";
import { watchView } from "./in_view";
import { createReceiptQueue, type ReceiptQueue } from "./preview_receipts";
import { StateMark } from "./state_mark";

const queues = new WeakMap<Model, ReceiptQueue>();

interface MarkProps {
  conversation: Conversation;
  /** The message that is not in the log yet. */
  unsent: OutboxItem | undefined;
}

export function PreviewMark(props: MarkProps) {
  const model = useModel();
  const queue = queueOf(model);
  const id = () => props.conversation.id;
  const [isInView, setInView] = createSignal(false);
  const isKnown = createMemo(() => model.members.knowsReceiptsIn(props.conversation));
  /** One page has all members. In larger groups, the list only shows what an opened conversation has read. */
  const isWanted = createMemo(() => {
    const mayRead = isInView() && model.isAttached() && props.conversation.member_count <= MEMBERS_PAGE;
    return mayRead && !isKnown() && !props.unsent;
  });
  createEffect(() => {
    const wanted = id();
    if (!isWanted()) return;
    queue.add(wanted);
    onCleanup(() => queue.remove(wanted));
  });

  /** While receipts are read again, the state of the same message stays. */
  const shown = createMemo<{ seq: number; state: MessageState } | undefined>((last) => {
    const { unsent, conversation } = props;
    if (unsent) return { seq: 0, state: stateOfItem(unsent) };
    const seq = conversation.last_message?.seq ?? 0;
    if (isKnown()) return { seq, state: stateOfEntry(seq, model.members.receiptsIn(conversation), model.me.id) };
    return last?.seq === seq ? last : undefined;
  });

  let place!: HTMLSpanElement;
  watchView(() => place.closest("a") ?? place, setInView);

  return (
    <span ref={place} class="preview-mark" data-testid={props.unsent ? "unsent-mark" : "preview-state"} data-state={shown()?.state}>
      <Show when={shown()}>{(it) => <StateMark state={it().state} />}</Show>
    </span>
  );
}

function queueOf(model: Model): ReceiptQueue {
  const known = queues.get(model);
  if (known) return known;
  const queue = createReceiptQueue((id) => model.members.load(id), () => document.visibilityState === "hidden");
  document.addEventListener("visibilitychange", queue.resume);
  model.client.on("ended", () => document.removeEventListener("visibilitychange", queue.resume));
  queues.set(model, queue);
  return queue;
}
