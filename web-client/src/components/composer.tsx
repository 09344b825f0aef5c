// The text field for a new message, a reply or an edit.

import { createEffect, createSignal, on, onCleanup, onMount, Show, untrack } from "solid-js";
import type { Conversation } from "../../sdk/index";
import { type Draft, draftOf, keepDraft } from "../browser/drafts";
import { isRequest } from "../logic/conversations";
import { loadEmoji, typedShortcode } from "../logic/emoji";
import { textOrFiles } from "../logic/files";
import { nameOf, titleOf } from "../logic/format";
import { plainText } from "../logic/markdown";
import { messageAt } from "../logic/rows";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import { attach } from "./attachments/attach";
import { AttachButton } from "./attachments/attach_button";
import { canRecord } from "./attachments/recording";
import { UploadTray } from "./attachments/upload_tray";
import { uploadsIn } from "./attachments/uploads";
import { VoiceButton } from "./attachments/voice_button";
import type { ComposerTarget } from "./conversation_pane";
import { CloseIcon } from "./icons";
import { later } from "./later";
import { SendIcon } from "./more_icons";
import { Sentence } from "./sentence";
import { createTypingSignal } from "./typing_signal";

const VoiceRecorder = later(async () => (await import("./attachments/voice_recorder")).VoiceRecorder);

const HEIGHT_MAX_PX = 180;

interface ComposerProps {
  conversation: Conversation;
  target: ComposerTarget;
  onTarget: (target: ComposerTarget) => void;
}

export function Composer(props: ComposerProps) {
  const model = useModel();
  const id = props.conversation.id; // a new pane is created for each conversation
  let draft = draftOf(model.me.id, id);
  const [text, setText] = createSignal((props.target?.kind === "edit" ? draft.edited : undefined) ?? draft.text);
  const typing = createTypingSignal((on) => model.sendTyping(id, on));
  const isTooLong = () => new TextEncoder().encode(text()).length > model.client.textBytesMax;
  const isEditing = () => props.target?.kind === "edit";
  const uploads = uploadsIn(model.client, id);
  const hasFiles = () => !isEditing() && uploads.items.length > 0;
  const isEmpty = () => text().trim() === "" && !hasFiles();
  /** The user has sent the message, and its files are still being uploaded. */
  const [isWaiting, setWaiting] = createSignal(false);
  const [recording, setRecording] = createSignal<{ isHeld: boolean }>();
  let input!: HTMLTextAreaElement;

  /** Focuses the field, unless that would open the keyboard of a touch screen. A request is read first. */
  const focusIfUnobtrusive = () => {
    if (hasKeyboard() && !isRequest(props.conversation)) input.focus();
  };
  onMount(focusIfUnobtrusive);
  createEffect(on(() => isRequest(props.conversation), focusIfUnobtrusive, { defer: true }));
  onCleanup(() => typing.stop());
  createEffect(on(text, () => fit(input)));
  createEffect(on(() => props.target, (target) => {
    setText(target?.kind === "edit" ? target.row.text : draft.text);
    keep({ text: draft.text, target, ...(target?.kind === "edit" ? { edited: target.row.text } : {}) });
    if (target) input.focus();
  }, { defer: true }));

  createEffect(() => {
    if (!isWaiting() || uploads.isUploading()) return;
    setWaiting(false);
    if (!uploads.hasFailed()) untrack(send);
  });

  function keep(changed: Draft): void {
    draft = changed;
    keepDraft(model.me.id, id, draft);
  }

  /** Sets the text, and keeps it as the draft of a new message or of an edit. */
  function write(written: string): void {
    setText(written);
    keep({ ...draft, [isEditing() ? "edited" : "text"]: written });
  }

  /** Replaces a shortcode such as `:tada:` by its emoji, once it is complete. */
  async function replaceShortcode(): Promise<void> {
    const end = input.selectionStart;
    const before = text().slice(0, end);
    const code = typedShortcode(before);
    if (code === undefined) return;
    const all = await loadEmoji().catch(() => []);
    const emoji = all.find((it) => it.shortcodes.includes(code))?.emoji;
    if (emoji === undefined || text().slice(0, end) !== before) return;
    const start = end - code.length - 2;
    write(text().slice(0, start) + emoji + text().slice(end));
    input.setSelectionRange(start + emoji.length, start + emoji.length);
  }

  function send(event?: Event): void {
    event?.preventDefault();
    const written = sentText(text());
    if ((!written && !hasFiles()) || isTooLong()) return;
    if (hasFiles() && uploads.isUploading()) return void setWaiting(true);
    const { target } = props;
    if (target?.kind === "edit") {
      if (written !== target.row.text) model.client.submit({ cmd: "edit", conversation: id, seq: target.row.seq, text: written });
    } else {
      const attachments = uploads.take();
      if (!written && attachments.length === 0) return; // all have failed
      const reply = target ? { reply_to: target.row.seq } : {};
      model.client.submit({ cmd: "send", conversation: id, text: written, ...(attachments.length > 0 ? { attachments } : {}), ...reply });
      write("");
    }
    props.onTarget(undefined);
    typing.stop();
    input.focus();
  }

  /** Attaches files that are pasted. Of a text with pictures, the text is pasted. */
  function paste(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0 || isEditing() || event.clipboardData?.types.includes("text/plain")) return;
    event.preventDefault();
    attach(uploads, files, id);
  }

  function endRecording(): void {
    setRecording(undefined);
    input.focus();
  }

  function sendRecording(file: File): void {
    uploads.add([file]);
    setWaiting(true);
  }

  function pressed(event: KeyboardEvent): void {
    if (isComposing(event)) return;
    if (event.key === "Enter" && !event.shiftKey && hasKeyboard()) send(event);
    else if (event.key === "Escape" && props.target) props.onTarget(undefined);
    else if (event.key === "ArrowUp" && text() === "") editLast(event);
  }

  /** Edits the user's newest message. Called for the up arrow in an empty field. */
  function editLast(event: KeyboardEvent): void {
    const rows = model.timelines.rows(id);
    const row = rows.findLast((it) => it.kind === "message" && it.sender === model.me.id && !it.isRedacted);
    if (row?.kind !== "message") return;
    event.preventDefault();
    props.onTarget({ kind: "edit", row });
  }

  return (
    <form class="composer" onSubmit={send}>
      <Show when={props.target}>{(target) => <TargetLine conversation={id} target={target()} onCancel={() => props.onTarget(undefined)} />}</Show>
      <UploadTray uploads={uploads} />
      <Show when={recording()} keyed>
        {({ isHeld }) => (
          <div class="composer-line">
            <VoiceRecorder isHeld={isHeld} onSend={sendRecording} onClose={endRecording} />
          </div>
        )}
      </Show>
      <div class="composer-line" hidden={recording() !== undefined}>
        <Show when={!isEditing()}>
          <AttachButton onFiles={(files) => attach(uploads, files, id)} />
        </Show>
        <textarea
          ref={input} class="composer-text" dir="auto" rows={1} placeholder={t().composer.message} data-testid="composer"
          aria-label={unmarked(t().composer.messageTo(titleOf(props.conversation)))} aria-invalid={isTooLong()} value={text()}
          onInput={(event) => {
            write(event.currentTarget.value);
            void replaceShortcode();
            if (!isEditing()) typing.typed(event.currentTarget.value);
          }}
          onKeyDown={pressed} onBlur={() => typing.stop()} onPaste={paste}
        />
        <Show
          when={isEmpty() && !isEditing() && canRecord()}
          fallback={
            <button
              type="submit" class="send" data-testid="send" aria-label={t().composer.send} aria-disabled={isEmpty() || isTooLong()}
              aria-busy={isWaiting()}
            >
              <Show when={isWaiting()} fallback={<SendIcon />}><span class="spinner" /></Show>
            </button>
          }
        >
          <VoiceButton onRecord={(isHeld) => setRecording({ isHeld })} />
        </Show>
      </div>
      <Show when={isTooLong()}>
        <p class="form-error" role="alert">{t().composer.tooLong}</p>
      </Show>
    </form>
  );
}

function TargetLine(props: { conversation: string; target: NonNullable<ComposerTarget>; onCancel: () => void }) {
  const model = useModel();
  /** The message in its current state, or as it was when the user chose it. */
  const text = () => {
    const { seq, text } = props.target.row;
    const row = messageAt(model.timelines.rows(props.conversation), seq);
    if (!row) return text;
    return row.isRedacted ? t().message.deleted : textOrFiles(row.text, row.files);
  };
  const kind = () => {
    const { sender } = props.target.row;
    if (props.target.kind === "edit") return t().composer.editing;
    return sender === model.me.id ? t().composer.replyToYourself : t().composer.replyTo(nameOf(model.people.get(sender)));
  };
  return (
    <div class="composer-target" data-testid="aim">
      <span class="composer-target-kind"><Sentence text={kind()} /></span>
      <span class="composer-target-text">{plainText(text())}</span>
      <button type="button" class="icon-button" data-testid="aim-cancel" aria-label={t().page.cancel} onClick={() => props.onCancel()}>
        <CloseIcon />
      </button>
    </div>
  );
}

/** Removes empty lines at both ends and spaces at the end. Spaces at the start may be an indentation. */
function sentText(written: string): string {
  return written.trimEnd().replace(/^(?:[^\S\n]*\n)+/, "");
}

/** Returns true if the key belongs to an input method. Safari ends the composition before its last Enter, with code 229. */
function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Returns false on touch screens, where Enter starts a new line and the button sends. */
function hasKeyboard(): boolean {
  return matchMedia("(hover: hover)").matches;
}

/** Sets the height of the field to that of its text, up to a limit, in browsers whose style sheets cannot. */
function fit(input: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, HEIGHT_MAX_PX)}px`;
}
