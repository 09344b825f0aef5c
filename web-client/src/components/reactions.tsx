// The reactions to a message. A click adds or removes the user's own.

import { For, Show } from "solid-js";
import { listed } from "../logic/dates";
import { nameOf } from "../logic/format";
import type { MessageRow } from "../logic/rows";
import type { Model } from "../state/model";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";

export function toggleReaction({ client, me }: Model, conversation: string, row: MessageRow, emoji: string): void {
  const group = row.reactions.find((it) => it.emoji === emoji);
  const on = !group?.users.includes(me.id);
  client.submit({ cmd: "react", conversation, seq: row.seq, emoji, on });
}

export function Reactions(props: { row: MessageRow; conversation: string }) {
  const model = useModel();
  const names = (users: string[]) =>
    listed(users.map((id) => (id === model.me.id ? t().page.you : nameOf(model.people.get(id)))));
  return (
    <Show when={props.row.reactions.length > 0}>
      <div class="reactions">
        <For each={props.row.reactions}>
          {(group) => (
            <button
              type="button" class="reaction" data-testid="reaction" data-emoji={group.emoji} title={names(group.users)}
              aria-pressed={group.users.includes(model.me.id)} aria-label={unmarked(`${group.emoji} ${group.users.length}: ${names(group.users)}`)}
              onClick={() => toggleReaction(model, props.conversation, props.row, group.emoji)}
            >
              <span>{group.emoji}</span>
              <span class="reaction-count">{group.users.length}</span>
            </button>
          )}
        </For>
      </div>
    </Show>
  );
}
