// Changes the password. The gateway then ends all other logins.

import { createSignal, Show } from "solid-js";
import { type PasswordErrors, passwordErrors } from "../../logic/more_refusals";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { Field } from "../field";

export function PasswordPage(props: { onDone: (done: string) => void }) {
  const model = useModel();
  const [oldPassword, setOldPassword] = createSignal("");
  const [newPassword, setNewPassword] = createSignal("");
  const [errors, setErrors] = createSignal<PasswordErrors>({});
  const [busy, setBusy] = createSignal(false);

  async function save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (busy()) return;
    setBusy(true);
    setErrors({});
    try {
      await model.client.rest.changePassword({ old_password: oldPassword(), new_password: newPassword() });
      props.onDone(t().settings.passwordChanged);
    } catch (problem) {
      setErrors(passwordErrors(problem, newPassword()));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void save(event)}>
      <input type="hidden" name="username" autocomplete="username" value={model.me.username} />
      <Field
        label={t().settings.currentPassword} name="old-password" type="password" autocomplete="current-password" testid="settings-old-password"
        value={oldPassword()} onValue={setOldPassword} error={errors().old_password} autofocus
      />
      <Field
        label={t().settings.newPassword} hint={t().login.passwordHint} name="new-password" type="password" autocomplete="new-password"
        testid="settings-new-password" value={newPassword()} onValue={setNewPassword} error={errors().new_password}
      />
      <Show when={errors().form}>
        <p class="form-error" role="alert">{errors().form}</p>
      </Show>
      <p class="dialog-hint">{t().settings.passwordHint}</p>
      <button type="submit" class="button primary wide" data-testid="settings-save-password" aria-disabled={busy()}>
        {t().settings.changePassword}
      </button>
    </form>
  );
}
