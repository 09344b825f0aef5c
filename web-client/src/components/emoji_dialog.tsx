// Finds an emoji by its shortcode.

import { createMemo, createResource, createSignal, For, Show } from "solid-js";
import { loadEmoji, searchEmoji } from "../logic/emoji";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import { Dialog } from "./dialog";
import "../styles/field.css";

const EXAMPLE = ":tada:";

interface EmojiDialogProps {
  onPick: (emoji: string) => void;
  onClose: () => void;
}

export function EmojiDialog(props: EmojiDialogProps) {
  const [all] = createResource(loadEmoji);
  const [query, setQuery] = createSignal("");
  const [at, setAt] = createSignal(0);
  const found = createMemo(() => searchEmoji(all.error ? [] : (all() ?? []), query()));
  let grid!: HTMLDivElement;

  function pick(emoji: string): void {
    props.onClose();
    props.onPick(emoji);
  }

  /** Moves in the grid. Its columns depend on its width. */
  function move(event: KeyboardEvent): void {
    const buttons = [...grid.querySelectorAll("button")];
    const columns = Math.max(1, buttons.filter((button) => button.offsetTop === buttons[0]?.offsetTop).length);
    const along = getComputedStyle(grid).direction === "rtl" ? -1 : 1;
    const step = { ArrowRight: along, ArrowLeft: -along, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    setAt(Math.min(Math.max(at() + step, 0), buttons.length - 1));
    buttons[at()]?.focus();
  }

  function pressed(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.isComposing && query() !== "") found()[0] && pick(found()[0]?.emoji ?? "");
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    grid.querySelector("button")?.focus();
  }

  return (
    <Dialog title={t().emoji.title} testid="emoji-dialog" onClose={() => props.onClose()}>
      <input
        class="input" type="search" autofocus autocomplete="off" autocapitalize="none" spellcheck={false} placeholder={EXAMPLE}
        aria-label={t().emoji.search} data-testid="emoji-search" value={query()} onKeyDown={pressed}
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          setAt(0);
        }}
      />
      <div ref={grid} class="emoji-grid" role="group" aria-label={t().emoji.title} onKeyDown={move}>
        <For each={found()}>
          {({ emoji, shortcodes }, index) => (
            <button
              type="button" class="action emoji" data-testid="emoji-option" data-emoji={emoji} tabIndex={index() === at() ? 0 : -1}
              title={`:${shortcodes[0]}:`} aria-label={unmarked(`${emoji} ${shortcodes.join(" ")}`)} onClick={() => pick(emoji)}
            >
              {emoji}
            </button>
          )}
        </For>
      </div>
      <Show when={all.error || (all() && found().length === 0)}>
        <p class="dialog-hint" role="status">{all.error ? t().page.partNotLoaded : t().emoji.none}</p>
      </Show>
    </Dialog>
  );
}
