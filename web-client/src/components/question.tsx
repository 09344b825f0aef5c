// A dialog that asks before something is done that cannot be undone easily.

import { createSignal, type JSX, Show } from "solid-js";
import { errorText } from "../logic/refusals";
import { t } from "../text/language";
import { closeDialogOf, Dialog } from "./dialog";
import { Sentence } from "./sentence";

interface QuestionProps {
  title: string;
  confirm: string;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
  /** Returns the text for an error of `onConfirm`. */
  explain?: (error: unknown) => string;
  testids?: readonly [confirm: string, cancel: string];
  children: JSX.Element;
}

export function Question(props: QuestionProps) {
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal<string>();

  async function confirm(button: HTMLElement): Promise<void> {
    if (busy()) return;
    setBusy(true);
    setError(undefined);
    try {
      await props.onConfirm();
      closeDialogOf(button);
    } catch (problem) {
      setError((props.explain ?? errorText)(problem));
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog title={props.title} testid="question" onClose={() => props.onClose()}>
      <p class="dialog-text">{props.children}</p>
      <Show when={error()}>
        <p class="form-error" role="alert" data-testid="question-error"><Sentence text={error()} /></p>
      </Show>
      <div class="dialog-buttons">
        <button type="button" class="button" data-testid={props.testids?.[1] ?? "question-cancel"} autofocus onClick={(event) => closeDialogOf(event.currentTarget)}>
          {t().page.cancel}
        </button>
        <button
          type="button" class="button danger" data-testid={props.testids?.[0] ?? "question-confirm"} aria-disabled={busy()}
          onClick={(event) => void confirm(event.currentTarget)}
        >
          {props.confirm}
        </button>
      </div>
    </Dialog>
  );
}
