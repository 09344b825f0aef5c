// For developers: the frames of the connection while they pass, and buttons that disturb it.

import { createMemo, For, onCleanup, Show } from "solid-js";
import type { Client } from "../../sdk/index";
import { WireTap } from "../developer/wire_tap";
import { titleOf } from "../logic/format";
import { environment } from "../state/account";
import { useModel } from "../state/model_context";
import { type Frame, listen } from "../developer/wire_log";
import { t } from "../text/language";
import { CloseIcon } from "./icons";
import "../styles/developer.css";

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

const tap = new WireTap();
let isTapped = false;

/** Taps the connection, and connects again so that everything passes the tap. */
function tapConnection(client: Client): void {
  if (isTapped) return;
  isTapped = true;
  Object.assign(environment, tap.tap({ ...environment }));
  client.networkLost();
  client.wake();
}

export function DeveloperDrawer(props: { onClose: () => void }) {
  const model = useModel();
  const log = listen(tap);
  tapConnection(model.client);
  onCleanup(log.stop);
  const newestFirst = createMemo(() => [...log.state.frames].reverse());
  const transport = () => {
    if (log.state.isConnected) return t().developer.socket;
    return model.state() === "polling" ? t().developer.polling : t().developer.noSocket;
  };
  const title = (id: string) => {
    const conversation = model.conversations.get(id);
    return conversation ? titleOf(conversation) : id;
  };

  return (
    <section class="developer" aria-label={t().developer.title} data-testid="developer-drawer">
      <header class="developer-head">
        <h2>{t().developer.title}</h2>
        <button type="button" class="icon-button" aria-label={t().page.close} onClick={() => props.onClose()}>
          <CloseIcon />
        </button>
      </header>
      <dl class="developer-facts">
        <dt>{t().developer.transport}</dt>
        <dd data-testid="developer-transport">{transport()}</dd>
        <dt>{t().developer.roundTrip}</dt>
        <dd data-testid="developer-round-trip">
          <Show when={log.state.roundTrip_ms} fallback="–">{(ms) => `${ms().toFixed(1)} ms`}</Show>
        </dd>
      </dl>
      <div class="developer-buttons">
        <button type="button" class="button" data-testid="developer-drop" onClick={() => tap.dropSocket()}>{t().developer.drop}</button>
        <button
          type="button" class="button" data-testid="developer-poll" aria-pressed={log.state.refusesSockets}
          onClick={() => log.refuseSockets(!log.state.refusesSockets)}
        >
          {t().developer.forcePolling}
        </button>
        <button type="button" class="button" data-testid="developer-expire" onClick={() => tap.expireToken()}>{t().developer.expire}</button>
        <button type="button" class="button" data-testid="developer-lose" aria-pressed={log.state.losesNext} onClick={() => log.loseNext()}>
          {t().developer.lose}
        </button>
        <button type="button" class="button" onClick={() => log.clear()}>{t().developer.clear}</button>
      </div>
      <ul class="developer-seqs" aria-label={t().developer.seqs}>
        <For each={Object.entries(log.state.seqs)}>
          {([id, seq]) => <li><bdi>{title(id)}</bdi> <b data-testid="developer-seq">{seq}</b></li>}
        </For>
      </ul>
      <ol class="developer-frames" aria-label={t().developer.frames} tabindex="0" dir="ltr">
        <For each={newestFirst()}>{(frame) => <FrameLine frame={frame} />}</For>
      </ol>
    </section>
  );
}

function FrameLine(props: { frame: Frame }) {
  const meaning = { sent: "→", received: "←", lost: "✗" };
  return (
    <li class={`developer-frame ${props.frame.direction}`} data-testid={`frame-${props.frame.direction}`}>
      <time>{clock.format(props.frame.at)}</time> {meaning[props.frame.direction]} <code>{props.frame.text}</code>
    </li>
  );
}
