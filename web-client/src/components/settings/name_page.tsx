// Changes the name that others see.

import { createSignal } from "solid-js";
import { isCode } from "../../../sdk/index";
import { nameOf } from "../../logic/format";
import { errorText } from "../../logic/refusals";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { Field } from "../field";
import { Sentence } from "../sentence";

export function NamePage(props: { onDone: (done: string) => void }) {
  const model = useModel();
  const [name, setName] = createSignal(nameOf(model.people.get(model.me.id)));
  const [error, setError] = createSignal<string>();
  const [busy, setBusy] = createSignal(false);

  async function save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (busy()) return;
    setBusy(true);
    setError(undefined);
    try {
      await model.changeName(name().trim());
      props.onDone(t().settings.nameChanged);
    } catch (problem) {
      setError(isCode(problem, "invalid", "too_large") ? t().refused.badName : errorText(problem));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void save(event)}>
      <Field
        label={t().login.displayName} name="name" autocomplete="name" testid="settings-display-name" maxLength={128}
        value={name()} onValue={setName} error={error()} autofocus
      />
      <p class="dialog-hint"><Sentence text={t().settings.usernameStays(model.me.username)} /></p>
      <button type="submit" class="button primary wide" data-testid="settings-save-name" aria-disabled={busy()}>{t().page.save}</button>
    </form>
  );
}
