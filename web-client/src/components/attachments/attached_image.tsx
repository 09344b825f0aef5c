// An image of a message. Its place has its size from the start, so that nothing moves when it is read. It is read when it is
// near the view, and a blurred preview is shown until then.

import { createEffect, createMemo, createSignal, Match, onMount, Show, Switch } from "solid-js";
import type { Attachment } from "../../../sdk/index";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { ImageIcon } from "../file_icons";
import { watchView } from "../in_view";
import { Sentence } from "../sentence";
import { altText } from "./alt_text";
import { createContent } from "./file_content";
import { sizeText } from "./file_words";

/** Of width and height. Images beyond are cut at their edges. */
const RATIO_MIN = 0.7;
const RATIO_MAX = 2.5;
/** Larger images are read only when the user asks for them. */
const READ_AT_ONCE_MAX = 6 << 20;

export function AttachedImage(props: { file: Attachment; sender: string; onView: () => void }) {
  const model = useModel();
  const { file } = props; // a component is created for each file
  /** The server has thumbnails of images whose size it knows. */
  const { width, height } = file;
  const isSized = width !== undefined && height !== undefined;
  const content = createContent(model.client, file, isSized);
  const isLarge = !isSized && file.size > READ_AT_ONCE_MAX;
  const [isBroken, setBroken] = createSignal(false);
  const [isShown, setShown] = createSignal(false);
  const preview = createMemo(() => (isShown() || isBroken() || isLarge || content.state() === "failed" ? undefined : file.blurhash));
  const alt = () => altText(model, props.sender, file.name);
  let place!: HTMLButtonElement;
  onMount(() => {
    if (isSized) place.style.setProperty("--ratio", String(Math.min(RATIO_MAX, Math.max(RATIO_MIN, width / height))));
  });
  const endWatch = watchView(() => place, (isInView) => {
    if (!isInView || isLarge) return;
    endWatch();
    void content.read();
  }, "400px");

  function pick(): void {
    if (content.state() === "ready" && !isBroken()) props.onView();
    else void content.read();
  }

  return (
    <button
      ref={place} type="button" class="attached-image" data-testid="attached-image" data-state={content.state()}
      title={file.name} onClick={pick}
    >
      <Show when={preview()}>{(blurhash) => <Preview blurhash={blurhash()} ratio={isSized ? width / height : 1} />}</Show>
      <Show when={content.url() === undefined || isBroken()}><span class="visually-hidden">{alt()}</span></Show>
      <Switch fallback={<Show when={!preview()}><ImageIcon /></Show>}>
        <Match when={content.url() !== undefined && !isBroken()}>
          <img src={content.url()} alt={alt()} onLoad={() => setShown(true)} onError={() => setBroken(true)} />
        </Match>
        <Match when={content.state() === "failed" || isBroken()}>
          <span class="attached-note">{isBroken() ? t().files.notShown : t().files.notLoaded}</span>
        </Match>
        <Match when={content.state() === "unread" && isLarge}>
          <span class="attached-note"><Sentence text={t().files.show(sizeText(file.size))} /></span>
        </Match>
      </Switch>
    </button>
  );
}

function Preview(props: { blurhash: string; ratio: number }) {
  let canvas!: HTMLCanvasElement;
  createEffect(() => {
    const { blurhash, ratio } = props;
    void import("./blurred").then(({ drawBlurred }) => drawBlurred(canvas, blurhash, ratio), () => undefined); // the image is read without it
  });
  return <canvas ref={canvas} class="attached-preview" data-testid="attached-preview" />;
}
