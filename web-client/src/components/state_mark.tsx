// An icon for the state of a message.

import { Dynamic } from "solid-js/web";
import type { MessageState } from "../logic/message_state";
import { AlertIcon, ClockIcon, DeliveredIcon, ReadIcon, SentIcon } from "./icons";

const MARKS = { queued: ClockIcon, sent: SentIcon, delivered: DeliveredIcon, read: ReadIcon, failed: AlertIcon };
const NAMES: Record<MessageState, string> = {
  queued: "Waiting to be sent",
  sent: "Sent",
  delivered: "Delivered",
  read: "Read",
  failed: "Not sent",
};

export function StateMark(props: { state: MessageState }) {
  return (
    <span class={`state-mark ${props.state}`} role="img" title={NAMES[props.state]} aria-label={NAMES[props.state]} data-testid="message-state">
      <Dynamic component={MARKS[props.state]} />
    </span>
  );
}
