// The files of a message: images, sounds and videos, and all others as cards.

import { createSignal, For, Match, Show, Switch } from "solid-js";
import type { Attachment } from "../../../sdk/index";
import { kindOf } from "../../logic/files";
import { later } from "../later";
import { AttachedImage } from "./attached_image";
import { AttachedMedia } from "./attached_media";
import { FileCard } from "./file_card";
import "../../styles/files.css";

const ImageViewer = later(async () => (await import("./image_viewer")).ImageViewer);

export function AttachedFiles(props: { files: readonly Attachment[]; sender: string; conversation: string }) {
  const [viewed, setViewed] = createSignal<string>();
  const images = () => props.files.filter((file) => kindOf(file) === "image");
  const others = () => props.files.filter((file) => kindOf(file) !== "image");
  return (
    <div class="attached" data-testid="attached">
      <Show when={images().length > 0}>
        <div class="attached-images" classList={{ several: images().length > 1 }}>
          <For each={images()}>{(file) => <AttachedImage file={file} sender={props.sender} onView={() => setViewed(file.id)} />}</For>
        </div>
      </Show>
      <For each={others()}>
        {(file) => (
          <Switch fallback={<FileCard file={file} />}>
            <Match when={kindOf(file) === "voice" || kindOf(file) === "audio"}><AttachedMedia file={file} isVideo={false} /></Match>
            <Match when={kindOf(file) === "video"}><AttachedMedia file={file} isVideo /></Match>
          </Switch>
        )}
      </For>
      <Show when={viewed()}>
        {(id) => <ImageViewer id={id()} files={props.files} sender={props.sender} conversation={props.conversation} onClose={() => setViewed(undefined)} />}
      </Show>
    </div>
  );
}
