// Whether this device shows notifications and plays sounds. Each change is saved at once.

import { createSignal, Show } from "solid-js";
import { type Alerts, allowNotifications, loadAlerts, saveAlerts } from "../../browser/alerts";
import { t } from "../../text/language";

export function AlertsPage() {
  const [alerts, setAlerts] = createSignal(loadAlerts());
  const [isRefused, setRefused] = createSignal(false);

  function change(part: Partial<Alerts>): void {
    setAlerts({ ...alerts(), ...part });
    saveAlerts(alerts());
  }

  async function turnNotifications(on: boolean): Promise<void> {
    const isAllowed = on && (await allowNotifications());
    setRefused(on && !isAllowed);
    change({ notifications: isAllowed });
  }

  function Toggle(props: { label: string; testid: string; isOn: boolean; isDisabled?: boolean; onTurn: (on: boolean) => void }) {
    return (
      <label class="settings-row">
        <span class="settings-row-text">{props.label}</span>
        <input
          type="checkbox" class="switch" role="switch" data-testid={props.testid} checked={props.isOn} disabled={props.isDisabled ?? false}
          onChange={(event) => props.onTurn(event.currentTarget.checked)}
        />
      </label>
    );
  }

  return (
    <div class="settings-page">
      <Toggle
        label={t().alerts.notifications} testid="alerts-notifications" isOn={alerts().notifications}
        onTurn={(on) => void turnNotifications(on)}
      />
      <Toggle
        label={t().alerts.previews} testid="alerts-previews" isOn={alerts().previews} isDisabled={!alerts().notifications}
        onTurn={(previews) => change({ previews })}
      />
      <Toggle label={t().alerts.sounds} testid="alerts-sounds" isOn={alerts().sounds} onTurn={(sounds) => change({ sounds })} />
      <Show when={isRefused()}>
        <p class="form-error" role="alert">{t().alerts.refused}</p>
      </Show>
      <p class="dialog-hint">{t().alerts.hint}</p>
    </div>
  );
}
