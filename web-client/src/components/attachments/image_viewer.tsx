// Shows the images of a conversation one at a time: zoom, next and previous, download. Escape closes it, and the focus returns.

import { createEffect, createMemo, createSignal, Match, on, onMount, Show, Switch, untrack } from "solid-js";
import type { Attachment } from "../../../sdk/index";
import { kindOf } from "../../logic/files";
import { useModel } from "../../state/model_context";
import { notify } from "../../state/notes";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { DownloadIcon, ZoomInIcon, ZoomOutIcon } from "../file_icons";
import { CloseIcon } from "../icons";
import { BackIcon, NextIcon } from "../more_icons";
import { Sentence } from "../sentence";
import { altText } from "./alt_text";
import { createContent, save } from "./file_content";
import { fileRefusal } from "./file_words";
import "../../styles/viewer.css";

const ZOOMS = [1, 1.5, 2, 3, 4];

interface ViewerProps {
  /** The image that is shown first. */
  id: string;
  /** The files of its message, and who has sent it. Those of a message that is not in the log yet are shown alone. */
  files: readonly Attachment[];
  sender: string;
  conversation: string;
  onClose: () => void;
}

export function ImageViewer(props: ViewerProps) {
  const model = useModel();
  const { client, timelines } = model;
  const loaded = () => timelines.rows(props.conversation).flatMap((row) => (row.kind === "message" ? sentBy(row.sender, row.files) : []));
  const isPending = untrack(() => !loaded().some(({ file }) => file.id === props.id));
  const images = createMemo(() => (isPending ? sentBy(props.sender, props.files) : loaded()).filter(({ file }) => kindOf(file) === "image"));
  const [shown, setShown] = createSignal(props.id);
  const [zoom, setZoom] = createSignal(0);
  const at = () => images().findIndex(({ file }) => file.id === shown());
  const image = createMemo(() => images()[at()]?.file);
  const alt = () => altText(model, images()[at()]?.sender ?? "", image()?.name ?? "");
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  createEffect(() => image() ?? dialog.close()); // the message was deleted

  function step(by: number): void {
    const next = images()[at() + by];
    if (!next) return;
    setZoom(0);
    setShown(next.file.id);
  }
  const zoomBy = (by: number) => setZoom((level) => Math.max(0, Math.min(ZOOMS.length - 1, level + by)));

  function pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isFromRight = getComputedStyle(dialog).direction === "rtl";
    const works: Record<string, () => void> = {
      ArrowRight: () => step(isFromRight ? -1 : 1),
      ArrowLeft: () => step(isFromRight ? 1 : -1),
      "+": () => zoomBy(1),
      "-": () => zoomBy(-1),
      "0": () => setZoom(0),
    };
    const isPanning = zoom() > 0 && /^Arrow/.test(event.key); // the browser scrolls
    const work = isPanning ? undefined : works[event.key];
    event.stopPropagation();
    if (!work) return;
    event.preventDefault();
    work();
  }

  const download = (file: Attachment) => save(client, file).catch((error: unknown) => notify(fileRefusal(error)));

  return (
    <dialog
      ref={dialog} class="viewer" data-testid="image-viewer" aria-label={alt()}
      onClose={() => props.onClose()} onKeyDown={pressed} onClick={(event) => event.target === dialog && dialog.close()}
    >
      <Show when={image()} keyed>
        {(file) => (
          <>
            <header class="viewer-header">
              <span class="viewer-name" data-testid="viewer-name">{file.name}</span>
              <Tool label={t().files.zoomOut} testid="viewer-zoom-out" isOff={zoom() === 0} onPick={() => zoomBy(-1)}><ZoomOutIcon /></Tool>
              <Tool label={t().files.zoomIn} testid="viewer-zoom-in" isOff={zoom() === ZOOMS.length - 1} onPick={() => zoomBy(1)}><ZoomInIcon /></Tool>
              <Tool label={t().files.save} testid="viewer-download" onPick={() => void download(file)}><DownloadIcon /></Tool>
              <Tool label={t().page.close} testid="viewer-close" onPick={() => dialog.close()}><CloseIcon /></Tool>
            </header>
            <Picture file={file} alt={alt()} zoom={ZOOMS[zoom()] ?? 1} onZoom={() => setZoom((level) => (level === 0 ? 2 : 0))} />
          </>
        )}
      </Show>
      <Show when={images().length > 1}>
        <footer class="viewer-footer">
          <Tool label={t().files.previous} testid="viewer-previous" isOff={at() <= 0} onPick={() => step(-1)}><BackIcon /></Tool>
          <span role="status" data-testid="viewer-place">{unmarked(t().files.place(String(at() + 1), String(images().length)))}</span>
          <Tool label={t().files.next} testid="viewer-next" isOff={at() === images().length - 1} onPick={() => step(1)}><NextIcon /></Tool>
        </footer>
      </Show>
    </dialog>
  );
}

/** Returns files, each with who has sent it. */
const sentBy = (sender: string, files: readonly Attachment[] = []) => files.map((file) => ({ file, sender }));

function Picture(props: { file: Attachment; alt: string; zoom: number; onZoom: () => void }) {
  const { client } = useModel();
  const { file } = props; // a component is created for each file
  const content = createContent(client, file);
  let place!: HTMLDivElement;
  onMount(() => void content.read());
  /** Keeps the middle in place. */
  createEffect(on(() => props.zoom, (zoom) => {
    place.style.setProperty("--zoom", String(zoom));
    place.scrollTo((place.scrollWidth - place.clientWidth) / 2, (place.scrollHeight - place.clientHeight) / 2);
  }));
  return (
    <div ref={place} class="viewer-place" classList={{ zoomed: props.zoom > 1 }} tabIndex={props.zoom > 1 ? 0 : undefined}>
      <Switch fallback={<span class="spinner" />}>
        <Match when={content.url()}>
          {(url) => <img class="viewer-image" data-testid="viewer-image" src={url()} alt={props.alt} onDblClick={() => props.onZoom()} />}
        </Match>
        <Match when={content.state() === "failed"}><p role="alert"><Sentence text={fileRefusal(content.error())} /></p></Match>
      </Switch>
    </div>
  );
}

interface ToolProps {
  label: string;
  testid: string;
  isOff?: boolean;
  onPick: () => void;
  children: unknown;
}

function Tool(props: ToolProps) {
  return (
    <button
      type="button" class="icon-button" data-testid={props.testid} aria-label={props.label} title={props.label} aria-disabled={props.isOff ?? false}
      onClick={() => !props.isOff && props.onPick()}
    >
      {props.children as never}
    </button>
  );
}
