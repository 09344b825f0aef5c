// The actions on a message, beside it: react, reply, edit, delete. In a narrow conversation, one button opens them all.

import { createSignal, Show } from "solid-js";
import type { Conversation } from "../../sdk/index";
import type { MessageRow } from "../logic/rows";
import type { ComposerTarget } from "./conversation_pane";
import { BinIcon, MoreIcon, PenIcon, ReplyIcon, SmileIcon } from "./icons";
import { ReactionPicker } from "./reaction_picker";

export interface ActionsProps {
  row: MessageRow;
  conversation: Conversation;
  isMine: boolean;
  isPicking: boolean;
  onPicking: (on: boolean) => void;
  onTarget: (target: ComposerTarget) => void;
  onRedact: () => void;
  /** Opens the sheet with all actions. */
  onMore: () => void;
}

/** Returns true if this user may delete the message for everyone. */
export function mayRedact({ isMine, conversation }: Pick<ActionsProps, "isMine" | "conversation">): boolean {
  return isMine || conversation.role === "owner" || conversation.role === "admin";
}

export function MessageActions(props: ActionsProps) {
  const [button, setButton] = createSignal<HTMLElement>();
  return (
    <div class="actions" role="toolbar" aria-label="Message actions">
      <button
        ref={setButton} type="button" class="action" data-testid="react" aria-label="React" title="React" aria-expanded={props.isPicking}
        onClick={() => props.onPicking(!props.isPicking)}
      >
        <SmileIcon />
      </button>
      <button
        type="button" class="action" data-testid="reply" aria-label="Reply" title="Reply"
        onClick={() => props.onTarget({ kind: "reply", row: props.row })}
      >
        <ReplyIcon />
      </button>
      <Show when={props.isMine}>
        <button
          type="button" class="action" data-testid="edit" aria-label="Edit" title="Edit"
          onClick={() => props.onTarget({ kind: "edit", row: props.row })}
        >
          <PenIcon />
        </button>
      </Show>
      <Show when={mayRedact(props)}>
        <button type="button" class="action" data-testid="redact" aria-label="Delete" title="Delete" onClick={() => props.onRedact()}>
          <BinIcon />
        </button>
      </Show>
      <button
        type="button" class="action all-actions" data-testid="message-more" aria-label="Message actions" title="Message actions"
        aria-haspopup="dialog" onClick={() => props.onMore()}
      >
        <MoreIcon />
      </button>
      <Show when={props.isPicking && button()}>
        {(from) => <ReactionPicker row={props.row} conversation={props.conversation.id} from={from()} onClose={() => props.onPicking(false)} />}
      </Show>
    </div>
  );
}
