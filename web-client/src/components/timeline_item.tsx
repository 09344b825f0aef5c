// One item of the timeline: a row of the log, by its seq, or an unsent message, by its client id.

import { createMemo, Show } from "solid-js";
import type { Conversation, OutboxItem } from "../../sdk/index";
import { continuesRun } from "../logic/grouping";
import { rowOfItem } from "../logic/pending_rows";
import { indexFrom, type Row } from "../logic/rows";
import { useModel } from "../state/model_context";
import type { ComposerTarget } from "./conversation_pane";
import { PendingMessage } from "./pending_message";
import { TimelineRow } from "./timeline_row";

interface ItemProps {
  key: number | string;
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
  const { key } = props; // an item is created for each key
  return typeof key === "number" ? <LogItem {...props} seq={key} /> : <UnsentItem {...props} id={key} />;
}

function LogItem(props: ItemProps & { seq: number }) {
  const { me } = useModel();
  const at = createMemo(() => indexFrom(props.rows, props.seq));
  const row = createMemo(() => (props.rows[at()]?.seq === props.seq ? props.rows[at()] : undefined));
  const before = createMemo(() => props.rows[at() - 1]);
  const after = createMemo(() => {
    const unsent = props.pending[0];
    return props.rows[at() + 1] ?? (unsent && rowOfItem(unsent, me.id));
  });
  return (
    <Show when={row()}>
      {(row) => (
        <TimelineRow
          row={row()} before={before()} after={after()} conversation={props.conversation} isActive={props.active === props.seq}
          isHighlighted={props.highlighted === props.seq} isFirstUnread={props.firstUnread === props.seq}
          onTarget={props.onTarget} onShow={props.onShow}
        />
      )}
    </Show>
  );
}

function UnsentItem(props: ItemProps & { id: string }) {
  const { me } = useModel();
  const at = createMemo(() => props.pending.findIndex((item) => item.client_id === props.id));
  const item = createMemo(() => props.pending[at()]);
  /** Returns the row of the unsent message `steps` away, or the last row of the log before the first one. */
  const rowAt = (steps: number) => {
    const other = props.pending[at() + steps];
    return other ? rowOfItem(other, me.id) : steps < 0 ? props.rows.at(-1) : undefined;
  };
  return (
    <Show when={item()}>
      {(item) => (
        <PendingMessage
          item={item()} joinsPrevious={continuesRun(rowAt(-1), rowAt(0))} joinsNext={continuesRun(rowAt(0), rowAt(1))}
        />
      )}
    </Show>
  );
}
