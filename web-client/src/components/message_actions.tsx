// The actions on a message, beside it: react, reply, edit, delete. In a narrow conversation, one button opens them all.

import { createSignal, Show } from "solid-js";
import type { Conversation } from "../../sdk/index";
import type { MessageRow } from "../logic/rows";
import { t } from "../text/language";
import type { ComposerTarget } from "./conversation_pane";
import { PenIcon } from "./icons";
import { BinIcon, MoreIcon, ReplyIcon, SmileIcon } from "./more_icons";
import { ReactionPicker } from "./reaction_picker";

export interface ActionsProps {
  row: MessageRow;
  conversation: Conversation;
  isMine: boolean;
  isPicking: boolean;
  onPicking: (on: boolean) => void;
  onTarget: (target: ComposerTarget) => void;
  onRedact: () => void;
  onMoreEmoji: () => void;
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
    <div class="actions" role="toolbar" aria-label={t().message.actions}>
      <button
        ref={setButton} type="button" class="action" data-testid="react" aria-label={t().message.react} title={t().message.react} aria-expanded={props.isPicking}
        onClick={() => props.onPicking(!props.isPicking)}
      >
        <SmileIcon />
      </button>
      <button
        type="button" class="action" data-testid="reply" aria-label={t().message.reply} title={t().message.reply}
        onClick={() => props.onTarget({ kind: "reply", row: props.row })}
      >
        <ReplyIcon />
      </button>
      <Show when={props.isMine}>
        <button
          type="button" class="action" data-testid="edit" aria-label={t().message.edit} title={t().message.edit}
          onClick={() => props.onTarget({ kind: "edit", row: props.row })}
        >
          <PenIcon />
        </button>
      </Show>
      <Show when={mayRedact(props)}>
        <button type="button" class="action" data-testid="redact" aria-label={t().message.delete} title={t().message.delete} onClick={() => props.onRedact()}>
          <BinIcon />
        </button>
      </Show>
      <button
        type="button" class="action all-actions" data-testid="message-more" aria-label={t().message.actions} title={t().message.actions}
        aria-haspopup="dialog" onClick={() => props.onMore()}
      >
        <MoreIcon />
      </button>
      <Show when={props.isPicking && button()}>
        {(from) => (
          <ReactionPicker
            row={props.row} conversation={props.conversation.id} from={from()} onClose={() => props.onPicking(false)}
            onMore={() => props.onMoreEmoji()}
          />
        )}
      </Show>
    </div>
  );
}
