// The logins of this user. Each can be ended, and all but this one together.

import { createSignal, For, onMount, Show } from "solid-js";
import type { LoginItem } from "../../../sdk/index";
import { now } from "../../browser/attention";
import { deviceName } from "../../browser/device";
import { fullTime } from "../../logic/dates";
import { timeAgo } from "../../logic/format";
import { errorText } from "../../logic/refusals";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { Question } from "../question";
import { Sentence } from "../sentence";
import { Skeleton } from "../skeleton";

export function DevicesPage() {
  const model = useModel();
  const [logins, setLogins] = createSignal<LoginItem[]>();
  const [ending, setEnding] = createSignal<LoginItem | "others">();
  const [error, setError] = createSignal<string>();
  const others = () => (logins() ?? []).filter((login) => !login.current);

  async function load(): Promise<void> {
    try {
      const all = await model.client.rest.logins();
      setLogins([...all.filter((login) => login.current), ...all.filter((login) => !login.current)]);
      setError(undefined);
    } catch (problem) {
      setError(errorText(problem));
    }
  }
  onMount(() => void load());

  async function end(which: LoginItem | "others"): Promise<void> {
    if (which === "others") await model.client.rest.logOutOthers();
    else await model.client.rest.endLogin(which.id);
    await load();
  }

  return (
    <div class="settings-page">
      <Show when={error()}>
        <p class="form-error" role="alert">{error()}</p>
      </Show>
      <Show when={logins()} fallback={<Show when={!error()}><Skeleton kind="lines" count={2} testid="devices-loading" /></Show>}>
        {(all) => <ul class="settings-list"><For each={all()}>{(login) => <Device login={login} onEnd={() => setEnding(login)} />}</For></ul>}
      </Show>
      <Show when={others().length > 0}>
        <button type="button" class="button danger wide" data-testid="end-other-logins" onClick={() => setEnding("others")}>
          {t().settings.logOutOthers}
        </button>
      </Show>
      <Show when={ending()} keyed>
        {(which) => (
          <Question
            title={which === "others" ? t().settings.logOutOthersTitle : t().settings.logOutDeviceTitle(deviceOf(which))} confirm={t().logOut.confirm}
            onConfirm={() => end(which)} onClose={() => setEnding(undefined)}
          >
            {which === "others" ? t().settings.logOutOthersText : t().settings.logOutDeviceText}
          </Question>
        )}
      </Show>
    </div>
  );
}

function Device(props: { login: LoginItem; onEnd: () => void }) {
  const since = () => t().settings.loggedInSince(fullTime(props.login.created_at));
  return (
    <li class="settings-row" data-testid="login-item" data-current={props.login.current}>
      <span class="settings-row-text">
        <span class="person-name">{deviceOf(props.login)}</span>
        <span class="settings-row-hint" title={since()}>
          <Sentence text={props.login.current ? t().settings.thisDevice : t().settings.lastUsed(timeAgo(props.login.last_used_at, now()))} />
        </span>
      </span>
      <Show when={!props.login.current}>
        <button
          type="button" class="button small" data-testid="end-login" aria-label={unmarked(t().settings.logOutDevice(deviceOf(props.login)))}
          onClick={() => props.onEnd()}
        >
          {t().logOut.confirm}
        </button>
      </Show>
    </li>
  );
}

/** Returns the name of a login's device. A login by registration has none, but this browser knows its own. */
function deviceOf(login: LoginItem): string {
  return login.device ?? (login.current ? deviceName(navigator.userAgent) : t().settings.unknownDevice);
}
