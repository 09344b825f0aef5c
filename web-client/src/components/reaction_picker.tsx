// Offers reactions below or above the button that opens it. Arrow keys move in it, Escape and a click outside close it.

import { For, onCleanup, onMount } from "solid-js";
import type { MessageRow } from "../logic/rows";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import { PlusIcon } from "./more_icons";
import { toggleReaction } from "./reactions";

export const OFFERED = ["👍", "❤️", "😂", "🎉", "😮", "🙏"];

interface PickerProps {
  row: MessageRow;
  conversation: string;
  from: HTMLElement;
  onClose: () => void;
  /** Opens the dialog with all emoji. */
  onMore: () => void;
}

export function ReactionPicker(props: PickerProps) {
  const model = useModel();
  let list!: HTMLDivElement;
  const view = props.from.closest(".timeline")?.getBoundingClientRect();
  const isLow = view !== undefined && props.from.getBoundingClientRect().top > (view.top + view.bottom) / 2;

  function close(): void {
    focusMessage(props.from);
    props.onClose();
  }

  function pressed(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") {
      event.stopPropagation();
      return close();
    }
    if (step === undefined) return;
    event.preventDefault();
    const all = [...list.querySelectorAll("button")];
    const isMirrored = getComputedStyle(list).direction === "rtl";
    const at = all.indexOf(document.activeElement as HTMLButtonElement) + (isMirrored ? -step : step);
    all[(at + all.length) % all.length]?.focus();
  }

  function pointed(event: Event): void {
    const isInside = event.target instanceof Node && (list.contains(event.target) || props.from.contains(event.target));
    if (!isInside) props.onClose();
  }

  document.addEventListener("pointerdown", pointed);
  onCleanup(() => document.removeEventListener("pointerdown", pointed));
  onMount(() => list.querySelector("button")?.focus());
  return (
    <div ref={list} class="reaction-picker" classList={{ above: isLow }} role="group" aria-label={t().message.reactions} onKeyDown={pressed}>
      <For each={OFFERED}>
        {(emoji) => (
          <button
            type="button" class="action emoji" data-testid="react-option" data-emoji={emoji} aria-label={unmarked(t().message.reactWith(emoji))}
            onClick={() => {
              toggleReaction(model, props.conversation, props.row, emoji);
              close();
            }}
          >
            {emoji}
          </button>
        )}
      </For>
      <button
        type="button" class="action" data-testid="react-more" aria-label={t().emoji.more} title={t().emoji.more} aria-haspopup="dialog"
        onClick={() => {
          close();
          props.onMore();
        }}
      >
        <PlusIcon />
      </button>
    </div>
  );
}

/** Moves the focus to the message of a button that is about to disappear. */
function focusMessage(from: HTMLElement): void {
  from.closest<HTMLElement>("[data-seq]")?.focus({ preventScroll: true });
}
