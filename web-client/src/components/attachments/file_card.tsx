// A file of a message that the page does not show: its name, its size, and a button that saves it.

import { createSignal, Show } from "solid-js";
import type { Attachment } from "../../../sdk/index";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { DownloadIcon, FileIcon } from "../file_icons";
import { Sentence } from "../sentence";
import { save } from "./file_content";
import { fileRefusal, sizeText } from "./file_words";

export function FileCard(props: { file: Attachment }) {
  const { client } = useModel();
  const [state, setState] = createSignal<"idle" | "saving" | "failed">("idle");
  const [error, setError] = createSignal<unknown>();

  async function download(): Promise<void> {
    if (state() === "saving") return;
    setState("saving");
    try {
      await save(client, props.file);
      setState("idle");
    } catch (reason) {
      setError(reason);
      setState("failed");
    }
  }

  return (
    <div class="file-card" data-testid="file-card">
      <span class="file-icon"><FileIcon /></span>
      <span class="file-words">
        <span class="file-name" data-testid="file-name">{props.file.name}</span>
        <span class="file-size" role={state() === "failed" ? "alert" : undefined}>
          <Sentence text={state() === "failed" ? fileRefusal(error()) : sizeText(props.file.size)} />
        </span>
      </span>
      <button
        type="button" class="icon-button" data-testid="file-download" aria-label={unmarked(t().files.download(props.file.name))}
        title={t().files.save} aria-busy={state() === "saving"} onClick={() => void download()}
      >
        <Show when={state() === "saving"} fallback={<DownloadIcon />}><span class="spinner" /></Show>
      </button>
    </div>
  );
}
