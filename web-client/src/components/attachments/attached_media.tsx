// A sound or a video of a message. It is read when the user plays it.

import { Match, Show, Switch } from "solid-js";
import type { Attachment } from "../../../sdk/index";
import { kindOf } from "../../logic/files";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { PlayIcon } from "../file_icons";
import { Sentence } from "../sentence";
import { createContent } from "./file_content";
import { FileCard } from "./file_card";
import { fileRefusal, lengthText } from "./file_words";

/** The arrow keys are those of the player, and do not move between messages. */
const keepKeys = (event: KeyboardEvent) => event.stopPropagation();

export function AttachedMedia(props: { file: Attachment; isVideo: boolean }) {
  const { client } = useModel();
  const { file } = props; // a component is created for each file
  const content = createContent(client, file);
  const name = () => (kindOf(file) === "voice" ? t().list.voice : file.name);
  return (
    <Switch fallback={<FileCard file={file} />}>
      <Match when={content.url()}>
        {(url) => (
          <Show
            when={props.isVideo}
            fallback={<audio class="attached-audio" data-testid="attached-audio" src={url()} aria-label={name()} controls autoplay onKeyDown={keepKeys} />}
          >
            <video class="attached-video" data-testid="attached-video" src={url()} aria-label={name()} controls autoplay onKeyDown={keepKeys} />
          </Show>
        )}
      </Match>
      <Match when={content.state() !== "ready"}>
        <div class="file-card">
          <button
            type="button" class="play" data-testid="play" aria-label={unmarked(t().files.play(name()))} aria-busy={content.state() === "reading"}
            onClick={() => void content.read()}
          >
            <Show when={content.state() === "reading"} fallback={<PlayIcon />}><span class="spinner" /></Show>
          </button>
          <span class="file-words">
            <span class="file-name">{name()}</span>
            <span class="file-size" role={content.state() === "failed" ? "alert" : undefined}>
              <Sentence text={content.state() === "failed" ? fileRefusal(content.error()) : lengthText(file)} />
            </span>
          </span>
        </div>
      </Match>
    </Switch>
  );
}
