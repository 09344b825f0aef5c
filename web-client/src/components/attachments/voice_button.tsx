// The button that records a voice message: a tap starts, or it is held while the user speaks.

import { t } from "../../text/language";
import { MicrophoneIcon } from "../file_icons";

const HELD_MS = 300;

export function VoiceButton(props: { onRecord: (isHeld: boolean) => void }) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const release = () => clearTimeout(timer);
  return (
    <button
      type="button" class="send" data-testid="record" aria-label={t().files.record} title={t().files.record}
      onPointerDown={() => (timer = setTimeout(() => props.onRecord(true), HELD_MS))} onPointerUp={release} onPointerCancel={release}
      onClick={() => {
        release();
        props.onRecord(false);
      }}
    >
      <MicrophoneIcon />
    </button>
  );
}
