// An icon for the state of a message.

import { Dynamic } from "solid-js/web";
import type { MessageState } from "../logic/message_state";
import { t } from "../text/language";
import { AlertIcon, ClockIcon, DeliveredIcon, ReadIcon, SentIcon } from "./more_icons";
import "../styles/state_mark.css";

const MARKS = { queued: ClockIcon, sent: SentIcon, delivered: DeliveredIcon, read: ReadIcon, failed: AlertIcon };

export function StateMark(props: { state: MessageState }) {
  return (
    <span class={`state-mark ${props.state}`} role="img" title={t().message[props.state]} aria-label={t().message[props.state]} data-testid="message-state">
      <Dynamic component={MARKS[props.state]} />
    </span>
  );
}
