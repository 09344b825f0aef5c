// The actions on a message: react, reply, edit, delete.

import { createSignal, For, Match, onCleanup, Show, Switch } from "solid-js";
import type { Conversation } from "../../sdk/index";
import type { MessageRow } from "../logic/rows";
import { useModel } from "../state/model";
import type { ComposerTarget } from "./conversation_pane";
import { BinIcon, PenIcon, ReplyIcon, SmileIcon } from "./icons";
import { toggleReaction } from "./reactions";

const OFFERED = ["👍", "❤️", "😂", "🎉", "😮", "🙏"];

interface ActionsProps {
  row: MessageRow;
  conversation: Conversation;
  isMine: boolean;
  isPicking: boolean;
  onPicking: (on: boolean) => void;
  onTarget: (target: ComposerTarget) => void;
}

export function MessageActions(props: ActionsProps) {
  const { client } = useModel();
  const mayRedact = () => props.isMine || props.conversation.role === "owner" || props.conversation.role === "admin";
  const [isAsking, setAsking] = createSignal(false);
  const keep = (event: MouseEvent) => {
    focusMessage(event.currentTarget);
    setAsking(false);
  };
  const redact = () => client.submit({ cmd: "redact", conversation: props.conversation.id, seq: props.row.seq });
  return (
    <div class="actions" role="toolbar" aria-label="Message actions">
      <Switch fallback={<Choices />}>
        <Match when={props.isPicking}>
          <ReactionPicker {...props} />
        </Match>
        <Match when={isAsking()}>
          <span class="actions-question">Delete for everyone?</span>
          <button type="button" class="action danger" data-testid="redact-confirm" ref={focusSoon} onClick={redact}>
            Delete
          </button>
          <button type="button" class="action wide-action" data-testid="redact-cancel" onClick={keep}>
            Keep
          </button>
        </Match>
      </Switch>
    </div>
  );

  function Choices() {
    return (
      <>
        <button type="button" class="action" data-testid="react" aria-label="React" title="React" onClick={() => props.onPicking(true)}>
          <SmileIcon />
        </button>
        <button
          type="button" class="action" data-testid="reply" aria-label="Reply" title="Reply"
          onClick={() => props.onTarget({ kind: "reply", row: props.row })}
        >
          <ReplyIcon />
        </button>
        <Show when={props.isMine}>
          <button
            type="button" class="action" data-testid="edit" aria-label="Edit" title="Edit"
            onClick={() => props.onTarget({ kind: "edit", row: props.row })}
          >
            <PenIcon />
          </button>
        </Show>
        <Show when={mayRedact()}>
          <button type="button" class="action" data-testid="redact" aria-label="Delete" title="Delete" onClick={() => setAsking(true)}>
            <BinIcon />
          </button>
        </Show>
      </>
    );
  }
}

/** Moves the focus to the message of a button that is about to disappear. */
function focusMessage(from: EventTarget | null): void {
  if (from instanceof Element) from.closest<HTMLElement>("[data-seq]")?.focus({ preventScroll: true });
}

/** Focuses an element after it has been added to the page. */
function focusSoon(element: HTMLElement): void {
  queueMicrotask(() => element.focus());
}

function ReactionPicker(props: ActionsProps) {
  const model = useModel();
  const close = (event: Event) => {
    const isInside = event.target instanceof Element && event.target.closest(".actions");
    const isEscape = event instanceof KeyboardEvent && event.key === "Escape";
    if (isInside && isEscape) focusMessage(event.target);
    if (!isInside || isEscape) props.onPicking(false);
  };
  document.addEventListener("pointerdown", close);
  document.addEventListener("keydown", close);
  onCleanup(() => {
    document.removeEventListener("pointerdown", close);
    document.removeEventListener("keydown", close);
  });
  return (
    <For each={OFFERED}>
      {(emoji, at) => (
        <button
          type="button" class="action emoji" data-testid="react-option" data-emoji={emoji} aria-label={`React with ${emoji}`}
          ref={(button) => at() === 0 && focusSoon(button)}
          onClick={(event) => {
            focusMessage(event.currentTarget);
            toggleReaction(model, props.conversation.id, props.row, emoji);
            props.onPicking(false);
          }}
        >
          {emoji}
        </button>
      )}
    </For>
  );
}
