// One row, with the separators above it for a new day and for the first unread message.

import { Match, Show, Switch } from "solid-js";
import type { Conversation, OutboxItem } from "../../sdk/index";
import { now } from "../browser/attention";
import { dayName } from "../logic/dates";
import { startsDay, continuesRun } from "../logic/grouping";
import type { MessageRow, NoticeRow, Row } from "../logic/rows";
import { t } from "../text/language";
import type { ComposerTarget } from "./conversation_pane";
import { Message } from "./message";
import { Notice } from "./notice";

interface RowProps {
  row: Row;
  /** The command in the outbox, if the row is not in the log yet. */
  unsent: OutboxItem | undefined;
  before: Row | undefined;
  after: Row | undefined;
  conversation: Conversation;
  isActive: boolean;
  isHighlighted: boolean;
  isFirstUnread: boolean;
  onTarget: (target: ComposerTarget) => void;
  onShow: (seq: number) => void;
}

export function TimelineRow(props: RowProps) {
  return (
    <>
      <Show when={startsDay(props.before, props.row)}>
        <div class="day" role="separator"><span>{dayName(props.row.sent_at, now())}</span></div>
      </Show>
      <Show when={props.isFirstUnread}>
        <div class="new-line" role="separator" data-testid="new-line"><span>{t().timeline.new}</span></div>
      </Show>
      <Switch>
        <Match when={props.row.kind === "message" && (props.row as MessageRow)}>
          {(row) => (
            <Message
              row={row()} unsent={props.unsent} conversation={props.conversation} isActive={props.isActive} isHighlighted={props.isHighlighted}
              onTarget={props.onTarget} onShow={props.onShow}
              joinsPrevious={continuesRun(props.before, row())} joinsNext={continuesRun(row(), props.after)}
            />
          )}
        </Match>
        <Match when={props.row.kind === "notice" && (props.row as NoticeRow)}>{(row) => <Notice row={row()} isDirect={props.conversation.kind === "direct"} />}</Match>
      </Switch>
    </>
  );
}
