// The message that a reply refers to. It is read from history if it is not in the window, and again when it changes.

import { createMemo, createResource, Show } from "solid-js";
import { nameOf } from "../logic/format";
import { EMPTY, type MessageRow, rowsOf } from "../logic/window";
import { useModel } from "../state/model";

export function Quote(props: { conversation: string; seq: number; onShow: (seq: number) => void }) {
  const model = useModel();
  const loaded = createMemo(() => find(model.timelines.state[props.conversation]?.rows ?? [], props.seq));
  const unloaded = () => (loaded() ? undefined : { seq: props.seq, changes: model.timelines.changesOf(props.conversation, props.seq) });
  const [read] = createResource(unloaded, async ({ seq }) => {
    const page = await model.client.history(props.conversation, { around_seq: seq, limit: 1 }).catch(() => undefined);
    return find(rowsOf({ ...EMPTY, entries: page?.items ?? [] }), seq);
  });
  const target = () => loaded() ?? read();
  const name = (it: MessageRow) => (it.sender === model.me.id ? "You" : nameOf(model.people.get(it.sender)));
  return (
    <button type="button" class="quote" data-testid="quote" onClick={() => props.onShow(props.seq)}>
      <Show when={target()} fallback={<span class="quote-text">Earlier message</span>}>
        {(it) => (
          <>
            <span class="quote-name">{name(it())}</span>
            <span class="quote-text">{it().isRedacted ? "Message deleted" : it().text}</span>
          </>
        )}
      </Show>
    </button>
  );
}

function find(rows: readonly { kind: string; seq: number }[], seq: number): MessageRow | undefined {
  return rows.find((row) => row.kind === "message" && row.seq === seq) as MessageRow | undefined;
}
