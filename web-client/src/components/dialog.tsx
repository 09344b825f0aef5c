// A modal dialog. The browser keeps the focus inside. Escape or a click outside closes it.

import { type JSX, onMount, Show } from "solid-js";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import { CloseIcon } from "./icons";
import { BackIcon } from "./more_icons";
import { Sentence } from "./sentence";
import "../styles/dialog.css";

interface DialogProps {
  title: string;
  testid: string;
  onClose: () => void;
  /** Adds a button that returns to the previous page of the dialog. */
  onBack?: (() => void) | undefined;
  /** Shows it at the bottom of the screen. */
  isSheet?: boolean;
  children: JSX.Element;
}

export function Dialog(props: DialogProps) {
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  return (
    <dialog
      ref={dialog} class="dialog" classList={{ sheet: props.isSheet ?? false }} aria-label={unmarked(props.title)} data-testid={props.testid} onClose={() => props.onClose()}
      onClick={(event) => event.target === dialog && dialog.close()}
    >
      <div class="dialog-body">
        <header class="dialog-header">
          <Show when={props.onBack}>
            {(onBack) => <BackButton onBack={onBack()} />}
          </Show>
          <h2><Sentence text={props.title} /></h2>
          <button type="button" class="icon-button" aria-label={t().page.close} onClick={() => dialog.close()}>
            <CloseIcon />
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}

/** Takes the focus, because the button that opened the page is gone. A field of the page may take it after that. */
function BackButton(props: { onBack: () => void }) {
  let button!: HTMLButtonElement;
  onMount(() => button.focus());
  return (
    <button
      ref={button} type="button" class="icon-button dialog-back" data-testid="dialog-back" aria-label={t().page.back}
      onClick={() => props.onBack()}
    >
      <BackIcon />
    </button>
  );
}

/** Closes the dialog around an element. The focus returns to where it was before the dialog. */
export function closeDialogOf(element: Element): void {
  element.closest("dialog")?.close();
}
