// The people whom this user has blocked.

import { createSignal, For, onMount, Show } from "solid-js";
import { nameOf } from "../../logic/format";
import { errorText } from "../../logic/refusals";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { Avatar } from "../avatar";
import { Skeleton } from "../skeleton";

export function BlockedPage() {
  const { blocks, people } = useModel();
  const [error, setError] = createSignal<string>();

  async function attempt(work: () => Promise<void>): Promise<void> {
    setError(undefined);
    await work().catch((problem: unknown) => setError(errorText(problem)));
  }
  onMount(() => void attempt(blocks.load));

  return (
    <div class="settings-page">
      <p class="dialog-hint">{t().settings.blockedHint}</p>
      <Show when={error()}>
        <p class="form-error" role="alert">{error()}</p>
      </Show>
      <Show when={blocks.all()?.length === 0}>
        <p class="settings-empty" data-testid="blocked-empty">{t().settings.blockedNobody}</p>
      </Show>
      <Show when={!blocks.all() && !error()}>
        <Skeleton kind="people" count={2} testid="blocked-loading" />
      </Show>
      <ul class="settings-list">
        <For each={blocks.all()}>
          {(user) => (
            <li class="settings-row" data-testid="blocked-item" data-user={user}>
              <Avatar id={user} name={nameOf(people.get(user))} size="small" />
              <span class="settings-row-text">
                <span class="person-name">{nameOf(people.get(user))}</span>
                <span class="settings-row-hint">@{people.get(user)?.username}</span>
              </span>
              <button
                type="button" class="button small" data-testid="unblock" aria-label={unmarked(t().header.unblock(nameOf(people.get(user))))}
                onClick={() => void attempt(() => blocks.unblock(user))}
              >
                {t().block.unblock}
              </button>
            </li>
          )}
        </For>
      </ul>
    </div>
  );
}
