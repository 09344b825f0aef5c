// Records a voice message in place of the text field. It can be heard before it is sent.

import { createSignal, Match, onCleanup, onMount, Show, Switch } from "solid-js";
import { t } from "../../text/language";
import { StopIcon } from "../file_icons";
import { BinIcon, SendIcon } from "../more_icons";
import { clock } from "./file_words";
import { nameOfRecording, recordingType } from "./recording";
import "../../styles/recorder.css";

const LENGTH_MAX_S = 600;

interface RecorderProps {
  /** The user holds the button, and recording ends when they release it. */
  isHeld: boolean;
  onSend: (file: File) => void;
  onClose: () => void;
}

export function VoiceRecorder(props: RecorderProps) {
  const [state, setState] = createSignal<"asking" | "recording" | "recorded" | "refused">("asking");
  const [seconds, setSeconds] = createSignal(0);
  const [preview, setPreview] = createSignal<string>();
  let recorder: MediaRecorder | undefined;
  let file: File | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  let isEnded = false;
  let first!: HTMLButtonElement;

  async function start(): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (isEnded) return stopTracks(stream);
      record(stream);
    } catch {
      setState("refused");
    }
  }

  function record(stream: MediaStream): void {
    const type = recordingType();
    const parts: Blob[] = [];
    recorder = new MediaRecorder(stream, type ? { mimeType: type } : {});
    recorder.ondataavailable = ({ data }) => void parts.push(data);
    recorder.onstop = () => {
      stopTracks(stream);
      clearInterval(timer);
      if (!isEnded) keep(new Blob(parts, { type: recorder?.mimeType ?? "" }));
    };
    recorder.start();
    setState("recording");
    timer = setInterval(() => {
      if (setSeconds((count) => count + 1) >= LENGTH_MAX_S) stop();
    }, 1_000);
  }

  function keep(recording: Blob): void {
    file = new File([recording], nameOfRecording(new Date(), recording.type), { type: recording.type });
    setPreview(URL.createObjectURL(file));
    setState("recorded");
  }

  const stop = () => recorder?.state === "recording" && recorder.stop();

  onMount(() => {
    void start();
    first.focus();
    if (!props.isHeld) return;
    const ended = new AbortController();
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, stop, { signal: ended.signal, once: true });
    onCleanup(() => ended.abort());
  });
  onCleanup(() => {
    isEnded = true;
    stop();
    clearInterval(timer);
    const url = preview();
    if (url) URL.revokeObjectURL(url);
  });

  function send(): void {
    if (!file) return;
    props.onSend(file);
    props.onClose();
  }

  return (
    <div
      class="recorder" role="group" aria-label={t().files.record} data-testid="recorder" data-state={state()}
      onKeyDown={(event) => event.key === "Escape" && props.onClose()}
    >
      <button
        ref={first} type="button" class="icon-button" data-testid="record-cancel" aria-label={t().files.discardRecording} title={t().files.discardRecording}
        onClick={() => props.onClose()}
      >
        <BinIcon />
      </button>
      <Switch>
        <Match when={state() === "refused"}><p class="recorder-words" role="alert">{t().files.noMicrophone}</p></Match>
        <Match when={preview()}>
          {(url) => <audio class="recorder-words" data-testid="record-preview" src={url()} aria-label={t().list.voice} controls />}
        </Match>
        <Match when={state() === "recording" || state() === "asking"}>
          <p class="recorder-words">
            <span class="recorder-dot" classList={{ on: state() === "recording" }} />
            <span role="status">{state() === "recording" ? t().files.recording : t().files.microphone}</span>
            <time class="recorder-time" aria-hidden="true">{clock(seconds())}</time>
          </p>
        </Match>
      </Switch>
      <Show when={state() === "recording"}>
        <button type="button" class="send" data-testid="record-stop" aria-label={t().files.stop} title={t().files.stop} onClick={() => stop()}>
          <StopIcon />
        </button>
      </Show>
      <Show when={state() === "recorded"}>
        <button type="button" class="send" data-testid="record-send" aria-label={t().files.sendRecording} title={t().files.sendRecording} onClick={send}>
          <SendIcon />
        </button>
      </Show>
    </div>
  );
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
