// The button that picks files for the message.

import { t } from "../../text/language";
import { AttachIcon } from "../file_icons";

export function AttachButton(props: { onFiles: (files: File[]) => void }) {
  let input!: HTMLInputElement;
  return (
    <>
      <button
        type="button" class="icon-button composer-tool" data-testid="attach" aria-label={t().files.attach} title={t().files.attach}
        onClick={() => input.click()}
      >
        <AttachIcon />
      </button>
      <input
        ref={input} type="file" multiple hidden data-testid="attach-input"
        onChange={() => {
          props.onFiles([...(input.files ?? [])]);
          input.value = ""; // so that the same file can be picked again
        }}
      />
    </>
  );
}
