// Chooses how long a new invite is valid, and for how many people.

import { createSignal, For, Show } from "solid-js";
import { isCode } from "../../../sdk/index";
import type { InviteOptions } from "../../../sdk/invites";
import { errorText } from "../../logic/refusals";
import { t } from "../../text/language";
import { duration, numberOf } from "./words";

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const LASTING_S = [HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S, 365 * DAY_S];
const FIRST_LASTING_S = 7 * DAY_S;
const USES = [1, 2, 5, 10, 50, 100];

export function InviteForm(props: { onCreate: (options: InviteOptions) => Promise<void> }) {
  const [lasting, setLasting] = createSignal(FIRST_LASTING_S);
  const [uses, setUses] = createSignal<number>();
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal<string>();

  async function create(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (busy()) return;
    setBusy(true);
    setError(undefined);
    const max_uses = uses();
    try {
      await props.onCreate({ expires_in: lasting(), ...(max_uses === undefined ? {} : { max_uses }) });
    } catch (problem) {
      setError(isCode(problem, "conflict") ? t().invite.tooMany : errorText(problem));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void create(event)} data-testid="invite-form">
      <label class="settings-row">
        <span class="settings-row-text">{t().invite.lasting}</span>
        <select class="choice" data-testid="invite-lasting" value={lasting()} onChange={(event) => setLasting(Number(event.currentTarget.value))}>
          <For each={LASTING_S}>{(seconds) => <option value={seconds} selected={seconds === lasting()}>{duration(seconds)}</option>}</For>
        </select>
      </label>
      <label class="settings-row">
        <span class="settings-row-text">{t().invite.uses}</span>
        <select class="choice" data-testid="invite-uses" onChange={(event) => setUses(Number(event.currentTarget.value) || undefined)}>
          <option value="">{t().invite.anyNumber}</option>
          <For each={USES}>{(count) => <option value={count}>{numberOf(count)}</option>}</For>
        </select>
      </label>
      <Show when={error()}>
        <p class="form-error" role="alert" data-testid="dialog-error">{error()}</p>
      </Show>
      <button type="submit" class="button primary wide" data-testid="invite-create" aria-disabled={busy()}>{t().invite.create}</button>
    </form>
  );
}
