// One message: sender, text, time, state and actions.

import { createMemo, createSignal, Show } from "solid-js";
import type { Conversation, OutboxItem } from "../../sdk/index";
import { fullTime } from "../logic/dates";
import { clockTime, nameOf, tintOf } from "../logic/format";
import { stateOfEntry, stateOfItem } from "../logic/message_state";
import { withPending } from "../logic/pending_rows";
import type { MessageRow } from "../logic/rows";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import { AttachedFiles } from "./attachments/attached_files";
import { PendingFiles } from "./attachments/pending_files";
import { Avatar } from "./avatar";
import { fitBubble } from "./bubble_fit";
import type { ComposerTarget } from "./conversation_pane";
import { later } from "./later";
import { createLongPress } from "./long_press";
import { MessageActions } from "./message_actions";
import { MessageSheet } from "./message_sheet";
import { MessageText } from "./message_text";
import { Question } from "./question";
import { Quote } from "./quote";
import { Reactions, toggleReaction } from "./reactions";
import { StateMark } from "./state_mark";
import { isUnfolded, unfold } from "./unfolded";
import { UnsentNote } from "./unsent_note";

const EmojiDialog = later(async () => (await import("./emoji_dialog")).EmojiDialog);

interface MessageProps {
  row: MessageRow;
  /** The command in the outbox, if the message is not in the log yet. */
  unsent: OutboxItem | undefined;
  conversation: Conversation;
  joinsPrevious: boolean;
  joinsNext: boolean;
  isActive: boolean;
  isHighlighted: boolean;
  onTarget: (target: ComposerTarget) => void;
  onShow: (seq: number) => void;
}

export function Message(props: MessageProps) {
  const model = useModel();
  const changes = createMemo(() => model.pending.changesOf(props.conversation.id, props.row.seq));
  const row = createMemo(() => withPending(props.row, changes(), model.me.id));
  const [isPicking, setPicking] = createSignal(false);
  const [opened, setOpened] = createSignal<"sheet" | "redaction" | "emoji">();
  /** True if the message can be answered, edited and so on. */
  const isOpen = () => !props.unsent && !row().isRedacted;
  const press = createLongPress(() => isOpen() && setOpened("sheet"));
  const redact = async () => void model.client.submit({ cmd: "redact", conversation: props.conversation.id, seq: props.row.seq });
  const isMine = () => props.row.sender === model.me.id;
  const isGroup = () => props.conversation.kind === "group";
  const sender = () => nameOf(model.people.get(props.row.sender));
  const state = createMemo(() => {
    if (props.unsent) return stateOfItem(props.unsent);
    if (changes().length > 0 && !model.isAttached()) return "queued";
    if (!isMine()) return undefined;
    return stateOfEntry(props.row.seq, model.members.receiptsIn(props.conversation), model.me.id);
  });
  /** A memo, so that the text is not made again when something else of the message changes. */
  const text = createMemo(() => row().text);
  const unsentFiles = () => (props.unsent?.command.cmd === "send" ? props.unsent.command.attachments : undefined);
  const foldKey = () => props.unsent?.client_id ?? props.row.seq;

  let article!: HTMLElement;
  /** What changes the widths in the bubble, and may leave the height of the row the same. */
  const words = createMemo(() => {
    const { text, isEdited, isRedacted } = row();
    const mark = state() === undefined ? "none" : state() === "queued" ? "small" : "large";
    return [text, isEdited, isRedacted, mark, sender(), clockTime(props.row.sent_at)].join();
  });
  fitBubble(() => article, words);

  return (
    <article
      ref={article}
      class="message" data-testid="message" data-seq={Number.isFinite(props.row.seq) ? props.row.seq : undefined} data-state={state()} data-sender={props.row.sender}
      tabIndex={-1} aria-label={unmarked(t().message.by(isMine() ? t().page.you : sender(), clockTime(props.row.sent_at)))}
      classList={{ mine: isMine(), continues: props.joinsPrevious, "goes-on": props.joinsNext, "in-group": isGroup(), "pointed-at": props.isHighlighted }}
    >
      <Show when={isGroup() && !isMine()}>
        <span class="message-avatar">
          <Show when={!props.joinsNext}>
            <Avatar id={props.row.sender} name={sender()} size="small" />
          </Show>
        </span>
      </Show>
      <div class="message-column">
        <div class="bubble" classList={{ redacted: row().isRedacted, failed: state() === "failed" }} {...press}>
          <Show when={isGroup() && !isMine() && !props.joinsPrevious}>
            <span class={`message-sender ink-${tintOf(props.row.sender)}`}>{sender()}</span>
          </Show>
          <Show when={!row().isRedacted && row().reply_to}>
            {(seq) => <Quote conversation={props.conversation.id} seq={seq()} onShow={props.onShow} />}
          </Show>
          <Show when={!row().isRedacted} fallback={<span class="message-text" data-testid="message-text">{t().message.deleted}</span>}>
            <Show when={row().files}>{(files) => <AttachedFiles files={files()} sender={props.row.sender} conversation={props.conversation.id} />}</Show>
            <Show when={unsentFiles()}>{(ids) => <PendingFiles ids={ids()} conversation={props.conversation.id} />}</Show>
            <Show when={text()}>
              <MessageText
                text={text()} isUnfolded={isUnfolded(props.conversation.id, foldKey())}
                onUnfold={() => unfold(props.conversation.id, foldKey())}
              />
            </Show>
          </Show>
          <span class="message-meta">
            <Show when={row().isEdited && !row().isRedacted}>
              <span data-testid="edited">{t().message.edited}</span>
            </Show>
            <time dateTime={props.row.sent_at} title={fullTime(props.row.sent_at)}>{clockTime(props.row.sent_at)}</time>
            <Show when={state()}>{(current) => <StateMark state={current()} />}</Show>
          </span>
          <Show when={isOpen() && (props.isActive || isPicking())}>
            <MessageActions
              row={row()} conversation={props.conversation} isMine={isMine()} isPicking={isPicking()} onPicking={setPicking}
              onTarget={props.onTarget} onRedact={() => setOpened("redaction")} onMore={() => setOpened("sheet")}
              onMoreEmoji={() => setOpened("emoji")}
            />
          </Show>
        </div>
        <Reactions row={row()} conversation={props.conversation.id} />
        <Show when={props.unsent}>{(item) => <UnsentNote item={item()} conversation={props.conversation} />}</Show>
        <Show when={opened() === "sheet"}>
          <MessageSheet
            row={row()} conversation={props.conversation} isMine={isMine()} onTarget={props.onTarget}
            onRedact={() => setOpened("redaction")} onMoreEmoji={() => setOpened("emoji")}
            onClose={() => setOpened((it) => (it === "sheet" ? undefined : it))}
          />
        </Show>
        <Show when={opened() === "emoji"}>
          <EmojiDialog
            onPick={(emoji) => toggleReaction(model, props.conversation.id, row(), emoji)}
            onClose={() => setOpened((it) => (it === "emoji" ? undefined : it))}
          />
        </Show>
        <Show when={opened() === "redaction"}>
          <Question
            title={t().message.deleteTitle} confirm={t().message.delete} testids={["redact-confirm", "redact-cancel"]} onConfirm={redact}
            onClose={() => setOpened(undefined)}
          >
            {t().message.deleteText}
          </Question>
        </Show>
      </div>
    </article>
  );
}
