// The privacy settings. Each change is saved at once.

import { createSignal, createUniqueId, For, Show } from "solid-js";
import type { Audience, Privacy } from "../../../sdk/index";
import { errorText } from "../../logic/refusals";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";

const AUDIENCES: readonly Audience[] = ["everyone", "contacts", "nobody"];

interface PrivacyPageProps {
  privacy: Privacy;
  onChange: (privacy: Privacy) => void;
}

export function PrivacyPage(props: PrivacyPageProps) {
  const model = useModel();
  const [error, setError] = createSignal<string>();

  /** Shows the change at once, and takes it back if it cannot be saved. */
  async function change(part: Partial<Privacy>): Promise<void> {
    const before = props.privacy;
    props.onChange({ ...before, ...part });
    setError(undefined);
    try {
      await model.client.rest.changeProfile({ privacy: part });
    } catch (problem) {
      const reverted = Object.fromEntries(Object.keys(part).map((key) => [key, before[key as keyof Privacy]]));
      props.onChange({ ...props.privacy, ...reverted });
      setError(errorText(problem));
    }
  }

  return (
    <div class="settings-page">
      <AudienceChoice
        label={t().privacy.lastSeen} testid="privacy-last-seen" value={props.privacy.last_seen}
        hint={t().privacy.lastSeenHint} onValue={(last_seen) => void change({ last_seen })}
      />
      <AudienceChoice
        label={t().privacy.directMessages} testid="privacy-direct-messages" value={props.privacy.direct_messages}
        onValue={(direct_messages) => void change({ direct_messages })}
      />
      <AudienceChoice
        label={t().privacy.addToGroups} testid="privacy-add-to-groups" value={props.privacy.add_to_groups}
        onValue={(add_to_groups) => void change({ add_to_groups })}
      />
      <label class="settings-row">
        <span class="settings-row-text">
          <span>{t().privacy.readReceipts}</span>
          <span class="settings-row-hint">{t().privacy.readReceiptsHint}</span>
        </span>
        <input
          type="checkbox" class="switch" role="switch" data-testid="privacy-read-receipts" checked={props.privacy.read_receipts}
          onChange={(event) => void change({ read_receipts: event.currentTarget.checked })}
        />
      </label>
      <Show when={error()}>
        <p class="form-error" role="alert">{error()}</p>
      </Show>
      <p class="dialog-hint">{t().privacy.contactsHint}</p>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  testid: string;
  value: Audience;
  hint?: string;
  onValue: (audience: Audience) => void;
}

function AudienceChoice(props: ChoiceProps) {
  const hintId = createUniqueId();
  return (
    <label class="settings-row">
      <span class="settings-row-text">
        <span>{props.label}</span>
        <Show when={props.hint}>
          <span id={hintId} class="settings-row-hint">{props.hint}</span>
        </Show>
      </span>
      <select
        class="choice" data-testid={props.testid} aria-label={props.label} aria-describedby={props.hint ? hintId : undefined}
        value={props.value} onChange={(event) => props.onValue(event.currentTarget.value as Audience)}
      >
        <For each={AUDIENCES}>{(audience) => <option value={audience} selected={audience === props.value}>{t().privacy[audience]}</option>}</For>
      </select>
    </label>
  );
}
