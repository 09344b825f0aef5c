// The files that will be sent with the message, above the composer: their progress, and what has failed.

import { For, Match, Show, Switch } from "solid-js";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { CloseIcon } from "../icons";
import { FileIcon, RetryIcon } from "../file_icons";
import { Sentence } from "../sentence";
import { fileRefusal, sizeText } from "./file_words";
import type { Upload, Uploads } from "./uploads";

export function UploadTray(props: { uploads: Uploads }) {
  return (
    <Show when={props.uploads.items.length > 0}>
      <ul class="tray" aria-label={t().files.files} data-testid="upload-tray">
        <For each={props.uploads.items}>{(upload) => <TrayItem upload={upload} uploads={props.uploads} />}</For>
      </ul>
    </Show>
  );
}

function TrayItem(props: { upload: Upload; uploads: Uploads }) {
  const it = () => props.upload;
  return (
    <li class="tray-item" classList={{ failed: it().state === "failed" }} data-testid="upload" data-state={it().state}>
      <Show when={it().preview} fallback={<span class="file-icon"><FileIcon /></span>}>
        {(url) => <img class="tray-image" src={url()} alt="" />}
      </Show>
      <span class="file-words">
        <span class="file-name">{it().name}</span>
        <Switch fallback={<span class="file-size">{sizeText(it().size)}</span>}>
          <Match when={it().state === "failed"}><span class="file-size" role="alert" data-testid="upload-error"><Sentence text={fileRefusal(it().error)} /></span></Match>
          <Match when={it().state === "uploading"}>
            <progress aria-label={unmarked(t().files.uploading(it().name))} max={Math.max(1, it().size)} value={it().done} />
          </Match>
        </Switch>
      </span>
      <Show when={it().state === "failed"}>
        <button
          type="button" class="icon-button" data-testid="upload-retry" aria-label={unmarked(t().files.retry(it().name))} title={t().page.tryAgain}
          onClick={() => props.uploads.retry(it().key)}
        >
          <RetryIcon />
        </button>
      </Show>
      <button
        type="button" class="icon-button" data-testid="upload-cancel" aria-label={unmarked(t().files.remove(it().name))} title={t().page.cancel}
        onClick={() => props.uploads.cancel(it().key)}
      >
        <CloseIcon />
      </button>
    </li>
  );
}
