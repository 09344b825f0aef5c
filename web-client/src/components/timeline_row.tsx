// One row with what stands above it: the day, and where the unread messages begin.

import { Match, Show, Switch } from "solid-js";
import type { Conversation } from "../../sdk";
import { now } from "../browser/attention";
import { dayName } from "../logic/format";
import { beginsDay, continuesRun } from "../logic/place";
import type { MessageRow, NoticeRow, Row } from "../logic/window";
import type { Aim } from "./conversation_pane";
import { Message } from "./message";
import { Notice } from "./notice";

interface RowProps {
  row: Row;
  before: Row | undefined;
  after: Row | undefined;
  conversation: Conversation;
  isActive: boolean;
  isPointedAt: boolean;
  isFirstUnread: boolean;
  onAim: (aim: Aim) => void;
  onShow: (seq: number) => void;
}

export function TimelineRow(props: RowProps) {
  return (
    <>
      <Show when={beginsDay(props.before, props.row)}>
        <div class="day" role="separator"><span>{dayName(props.row.sent_at, now())}</span></div>
      </Show>
      <Show when={props.isFirstUnread}>
        <div class="new-line" role="separator" data-testid="new-line"><span>New</span></div>
      </Show>
      <Switch>
        <Match when={props.row.kind === "message" && (props.row as MessageRow)}>
          {(row) => (
            <Message
              row={row()} conversation={props.conversation} isActive={props.isActive} isPointedAt={props.isPointedAt}
              onAim={props.onAim} onShow={props.onShow}
              continues={continuesRun(props.before, row())} goesOn={continuesRun(row(), props.after)}
            />
          )}
        </Match>
        <Match when={props.row.kind === "notice" && (props.row as NoticeRow)}>{(row) => <Notice row={row()} />}</Match>
      </Switch>
    </>
  );
}
