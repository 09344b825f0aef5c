// All actions on a message in a sheet at the bottom of the screen. A long press on a touch screen opens it.

import { For, type JSX, Show } from "solid-js";
import { copyText } from "../browser/clipboard";
import { useModel } from "../state/model_context";
import { notify } from "../state/notes";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import { closeDialogOf, Dialog } from "./dialog";
import { PenIcon } from "./icons";
import { BinIcon, CopyIcon, PlusIcon, ReplyIcon } from "./more_icons";
import { type ActionsProps, mayRedact } from "./message_actions";
import { OFFERED } from "./reaction_picker";
import { toggleReaction } from "./reactions";

type SheetProps = Pick<ActionsProps, "row" | "conversation" | "isMine" | "onTarget" | "onRedact" | "onMoreEmoji"> & { onClose: () => void };

export function MessageSheet(props: SheetProps) {
  const model = useModel();
  const copy = () => copyText(props.row.text).then(() => notify(t().message.copied), () => notify(t().message.notCopied));

  function Item(item: { testid: string; icon: JSX.Element; isDanger?: boolean; onPick: () => void; children: JSX.Element }) {
    return (
      <li>
        <button
          type="button" class="dialog-row" classList={{ danger: item.isDanger ?? false }} data-testid={item.testid}
          onClick={(event) => {
            closeDialogOf(event.currentTarget);
            item.onPick();
          }}
        >
          {item.icon}
          <span>{item.children}</span>
        </button>
      </li>
    );
  }

  return (
    <Dialog title={t().message.message} testid="message-sheet" isSheet onClose={() => props.onClose()}>
      <div class="sheet-reactions" role="group" aria-label={t().message.reactions}>
        <For each={OFFERED}>
          {(emoji) => (
            <button
              type="button" class="action emoji" data-testid="react-option" data-emoji={emoji} aria-label={unmarked(t().message.reactWith(emoji))}
              onClick={(event) => {
                closeDialogOf(event.currentTarget);
                toggleReaction(model, props.conversation.id, props.row, emoji);
              }}
            >
              {emoji}
            </button>
          )}
        </For>
        <button
          type="button" class="action" data-testid="react-more" aria-label={t().emoji.more}
          onClick={(event) => {
            closeDialogOf(event.currentTarget);
            props.onMoreEmoji();
          }}
        >
          <PlusIcon />
        </button>
      </div>
      <ul class="sheet-items">
        <Item testid="reply" icon={<ReplyIcon />} onPick={() => props.onTarget({ kind: "reply", row: props.row })}>{t().message.reply}</Item>
        <Show when={props.row.text}>
          <Item testid="copy-text" icon={<CopyIcon />} onPick={() => void copy()}>{t().message.copyText}</Item>
        </Show>
        <Show when={props.isMine}>
          <Item testid="edit" icon={<PenIcon />} onPick={() => props.onTarget({ kind: "edit", row: props.row })}>{t().message.edit}</Item>
        </Show>
        <Show when={mayRedact(props)}>
          <Item testid="redact" icon={<BinIcon />} isDanger onPick={() => props.onRedact()}>{t().message.delete}</Item>
        </Show>
      </ul>
    </Dialog>
  );
}
