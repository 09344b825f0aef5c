// Where one writes: a new message, an answer, or another text for an old one.

import { createEffect, createSignal, on, onCleanup, onMount, Show } from "solid-js";
import type { Conversation } from "../../sdk";
import { draftOf, keepDraft } from "../browser/drafts";
import { nameOf, titleOf } from "../logic/format";
import { useModel } from "../state/model";
import type { Aim } from "./conversation_pane";
import { CloseIcon, SendIcon } from "./icons";
import { createTypingSignal } from "./typing_signal";

const HEIGHT_MAX_PX = 180;

interface ComposerProps {
  conversation: Conversation;
  aim: Aim;
  onAim: (aim: Aim) => void;
}

export function Composer(props: ComposerProps) {
  const model = useModel();
  const id = props.conversation.id; // the pane is made anew for each conversation
  const [text, setText] = createSignal(draftOf(model.me.id, id));
  const typing = createTypingSignal((on) => model.client.typing(id, on));
  const isTooLong = () => new TextEncoder().encode(text()).length > model.client.textBytesMax;
  const isEditing = () => props.aim?.kind === "edit";
  let input!: HTMLTextAreaElement;

  onMount(() => {
    if (matchMedia("(hover: hover)").matches) input.focus();
  });
  onCleanup(() => typing.stop());
  createEffect(on(text, () => fit(input)));
  createEffect(on(() => props.aim, (aim, before) => {
    if (aim?.kind === "edit") setText(aim.row.text);
    else if (before?.kind === "edit") setText(draftOf(model.me.id, id));
    if (aim) input.focus();
  }, { defer: true }));

  /** What is written, kept at once; what an old message is to say instead is not. */
  function write(written: string): void {
    setText(written);
    if (!isEditing()) keepDraft(model.me.id, id, written);
  }

  function send(event?: Event): void {
    event?.preventDefault();
    const written = text().trim();
    if (!written || isTooLong()) return;
    const { aim } = props;
    if (aim?.kind === "edit") {
      if (written !== aim.row.text) model.client.enter({ cmd: "edit", conversation: id, seq: aim.row.seq, text: written });
    } else {
      const reply = aim ? { reply_to: aim.row.seq } : {};
      model.client.enter({ cmd: "send", conversation: id, text: written, ...reply });
      write("");
    }
    props.onAim(undefined);
    typing.stop();
    input.focus();
  }

  function pressed(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) send(event);
    else if (event.key === "Escape" && props.aim) props.onAim(undefined);
    else if (event.key === "ArrowUp" && text() === "") editLast(event);
  }

  /** The up arrow in an empty field edits one's own newest message. */
  function editLast(event: KeyboardEvent): void {
    const rows = model.timelines.state[id]?.rows ?? [];
    const row = rows.findLast((it) => it.kind === "message" && it.sender === model.me.id && !it.isRedacted);
    if (row?.kind !== "message") return;
    event.preventDefault();
    props.onAim({ kind: "edit", row });
  }

  return (
    <form class="composer" onSubmit={send}>
      <Show when={props.aim}>{(aim) => <AimLine aim={aim()} onCancel={() => props.onAim(undefined)} />}</Show>
      <div class="composer-line">
        <textarea
          ref={input} class="composer-text" rows={1} placeholder="Message" data-testid="composer"
          aria-label={`Message to ${titleOf(props.conversation)}`} aria-invalid={isTooLong()} value={text()}
          onInput={(event) => {
            write(event.currentTarget.value);
            if (!isEditing()) typing.typed(event.currentTarget.value);
          }}
          onKeyDown={pressed} onBlur={() => typing.stop()}
        />
        <button type="submit" class="send" data-testid="send" aria-label="Send" aria-disabled={!text().trim() || isTooLong()}>
          <SendIcon />
        </button>
      </div>
      <Show when={isTooLong()}>
        <p class="form-error" role="alert">This message is too long.</p>
      </Show>
    </form>
  );
}

function AimLine(props: { aim: NonNullable<Aim>; onCancel: () => void }) {
  const model = useModel();
  const name = () => (props.aim.row.sender === model.me.id ? "yourself" : nameOf(model.people.get(props.aim.row.sender)));
  return (
    <div class="aim" data-testid="aim">
      <span class="aim-kind">{props.aim.kind === "edit" ? "Edit message" : `Reply to ${name()}`}</span>
      <span class="aim-text">{props.aim.row.text}</span>
      <button type="button" class="icon-button" data-testid="aim-cancel" aria-label="Cancel" onClick={() => props.onCancel()}>
        <CloseIcon />
      </button>
    </div>
  );
}

/** As high as its text, up to a bound. */
function fit(input: HTMLTextAreaElement): void {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, HEIGHT_MAX_PX)}px`;
}
