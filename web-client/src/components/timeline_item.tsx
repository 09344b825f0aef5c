// One item of the timeline: a row of the log, or a message of this page. Such a message keeps its item when its entry
// arrives, so that nothing on the screen is made again and screen readers do not read it twice.

import { Show } from "solid-js";
import type { Conversation, OutboxItem } from "../../sdk/index";
import { type ItemKey, unsentRow } from "../logic/pending_rows";
import { indexFrom, type Row } from "../logic/rows";
import { useModel } from "../state/model_context";
import type { ComposerTarget } from "./conversation_pane";
import { createSettled } from "./settled";
import { TimelineRow } from "./timeline_row";

interface ItemProps {
  key: ItemKey;
  rows: readonly Row[];
  pending: readonly OutboxItem[];
  conversation: Conversation;
  active: number | undefined;
  highlighted: number | undefined;
  firstUnread: number | undefined;
  onTarget: (target: ComposerTarget) => void;
  onShow: (seq: number) => void;
}

export function TimelineItem(props: ItemProps) {
  const model = useModel();
  const { key } = props; // an item is created for each key
  const pendingAt = () => props.pending.findIndex((item) => item.client_id === key);
  const item = () => (typeof key === "string" ? props.pending[pendingAt()] : undefined);
  const seq = () => (typeof key === "string" ? (model.pending.arrivedIn(props.conversation.id)?.get(key) ?? Infinity) : key);
  const at = () => (item() ? props.rows.length + pendingAt() : indexFrom(props.rows, seq()));
  const rowAt = (at: number): Row | undefined => {
    if (at < props.rows.length) return props.rows[at];
    const item = props.pending[at - props.rows.length];
    return item && unsentRow(item, model.me.id);
  };
  const row = createSettled(() => {
    const row = rowAt(at());
    return item() || row?.seq === seq() ? row : undefined;
  });
  const unsent = createSettled(item);
  const before = createSettled(() => rowAt(at() - 1));
  const after = createSettled(() => rowAt(at() + 1));
  return (
    <Show when={row()}>
      {(row) => (
        <TimelineRow
          row={row()} unsent={unsent()} before={before()} after={after()} conversation={props.conversation}
          isActive={props.active === row().seq} isHighlighted={props.highlighted === row().seq} isFirstUnread={props.firstUnread === row().seq}
          onTarget={props.onTarget} onShow={props.onShow}
        />
      )}
    </Show>
  );
}
