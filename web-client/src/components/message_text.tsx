// The text of a message with its markup. Long texts are folded until the reader asks for more.

import { createMemo, createSignal, For, Match, onCleanup, Show, Switch } from "solid-js";
import { copyText } from "../browser/clipboard";
import type { Inline } from "../logic/inline";
import { type Block, blocksOf, isBigEmoji, isLong } from "../logic/markdown";
import { t } from "../text/language";
import { CheckIcon, CopyIcon } from "./more_icons";

interface TextProps {
  text: string;
  isUnfolded: boolean;
  onUnfold: () => void;
}

export function MessageText(props: TextProps) {
  const blocks = createMemo(() => blocksOf(props.text));
  const isFolded = () => !props.isUnfolded && isLong(props.text);
  /** A single text block stands in one line with the time. */
  const only = () => {
    const [first, ...others] = blocks();
    return first?.kind === "text" && others.length === 0 ? first : undefined;
  };
  return (
    <>
      <Show
        when={!isFolded() && only()}
        fallback={
          <div class="message-text has-blocks" classList={{ folded: isFolded() }} data-testid="message-text"><Blocks blocks={blocks()} /></div>
        }
      >
        {(block) => (
          <span class="message-text" classList={{ "big-emoji": isBigEmoji(props.text) }} data-testid="message-text">
            <Inlines inlines={block().children} />
          </span>
        )}
      </Show>
      <Show when={isFolded()}>
        <button type="button" class="text-button unfold" data-testid="unfold" onClick={() => props.onUnfold()}>{t().message.readMore}</button>
      </Show>
    </>
  );
}

function Blocks(props: { blocks: readonly Block[] }) {
  return (
    <For each={props.blocks}>
      {(block) => {
        switch (block.kind) {
          case "text":
            return <p><Inlines inlines={block.children} /></p>;
          case "code":
            return <CodeBlock text={block.text} language={block.language} />;
          case "quote":
            return <blockquote><Blocks blocks={block.blocks} /></blockquote>;
          case "list":
            return block.start === undefined ? <ul><Items items={block.items} /></ul> : <ol start={block.start}><Items items={block.items} /></ol>;
        }
      }}
    </For>
  );
}

function Items(props: { items: readonly Block[][] }) {
  return <For each={props.items}>{(item) => <li><Blocks blocks={item} /></li>}</For>;
}

function Inlines(props: { inlines: readonly Inline[] }) {
  return (
    <For each={props.inlines}>
      {(inline) => {
        switch (inline.kind) {
          case "text":
            return inline.text;
          case "code":
            return <code>{inline.text}</code>;
          case "link":
            return <a href={inline.href} target="_blank" rel="noopener noreferrer">{inline.text}</a>;
          case "strong":
            return <strong><Inlines inlines={inline.children} /></strong>;
          case "em":
            return <em><Inlines inlines={inline.children} /></em>;
          case "del":
            return <del><Inlines inlines={inline.children} /></del>;
        }
      }}
    </For>
  );
}

const COPIED_MS = 2_000;

function CodeBlock(props: { text: string; language: string }) {
  const [result, setResult] = createSignal<"copied" | "failed">();
  let timer: ReturnType<typeof setTimeout> | undefined;
  onCleanup(() => clearTimeout(timer));

  async function copy(): Promise<void> {
    setResult(await copyText(props.text).then(() => "copied" as const, () => "failed" as const));
    clearTimeout(timer);
    timer = setTimeout(() => setResult(undefined), COPIED_MS);
  }

  return (
    <div class="code-block" dir="ltr">
      <span class="code-language">{props.language}</span>
      <button type="button" class="icon-button code-copy" data-testid="copy-code" aria-label={t().message.copyCode} title={t().message.copyCode} onClick={() => void copy()}>
        <Show when={result() === "copied"} fallback={<CopyIcon />}><CheckIcon /></Show>
      </button>
      <pre tabIndex={0} aria-label={t().message.code}><code>{props.text}</code></pre>
      <span class="visually-hidden" role="status">
        <Switch>
          <Match when={result() === "copied"}>{t().message.codeCopied}</Match>
          <Match when={result() === "failed"}>{t().message.codeNotCopied}</Match>
        </Switch>
      </span>
    </div>
  );
}
