// A modal dialog. The browser keeps the focus inside. Escape or a click outside closes it.

import { type JSX, onMount } from "solid-js";
import { CloseIcon } from "./icons";

interface DialogProps {
  title: string;
  testid: string;
  onClose: () => void;
  children: JSX.Element;
}

export function Dialog(props: DialogProps) {
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  return (
    <dialog
      ref={dialog} class="dialog" aria-label={props.title} data-testid={props.testid} onClose={() => props.onClose()}
      onClick={(event) => event.target === dialog && dialog.close()}
    >
      <div class="dialog-body">
        <header class="dialog-header">
          <h2>{props.title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={() => dialog.close()}>
            <CloseIcon />
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}
