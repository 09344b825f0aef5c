// The message that a reply refers to. It is read from history if it is not in the window, and again when it changes.

import { createMemo, createResource, Show } from "solid-js";
import { textOrFiles } from "../logic/files";
import { nameOf } from "../logic/format";
import { plainText } from "../logic/markdown";
import { type MessageRow, messageAt, rowsOf } from "../logic/rows";
import { useModel } from "../state/model_context";
import { t } from "../text/language";

export function Quote(props: { conversation: string; seq: number; onShow: (seq: number) => void }) {
  const model = useModel();
  const loaded = createMemo(() => messageAt(model.timelines.rows(props.conversation), props.seq));
  const unloaded = () => {
    if (loaded()) return undefined;
    model.timelines.trackChanges(props.conversation, props.seq);
    return { seq: props.seq };
  };
  const [read] = createResource(unloaded, async ({ seq }) => {
    const page = await model.client.history(props.conversation, { around_seq: seq, limit: 1 }).catch(() => undefined);
    return messageAt(rowsOf(page?.items ?? []), seq);
  });
  const target = () => loaded() ?? read();
  const name = (it: MessageRow) => (it.sender === model.me.id ? t().page.you : nameOf(model.people.get(it.sender)));
  return (
    <button type="button" class="quote" data-testid="quote" onClick={() => props.onShow(props.seq)}>
      <Show when={target()} fallback={<span class="quote-text">{t().timeline.earlier}</span>}>
        {(it) => (
          <>
            <span class="quote-name">{name(it())}</span>
            <span class="quote-text">{it().isRedacted ? t().message.deleted : textOrFiles(plainText(it().text), it().files)}</span>
          </>
        )}
      </Show>
    </button>
  );
}
