// Changes the name that others see.

import { createSignal } from "solid-js";
import { isCode } from "../../../sdk/index";
import { nameOf } from "../../logic/format";
import { errorText } from "../../logic/refusals";
import { useModel } from "../../state/model";
import { Field } from "../field";

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
      props.onDone("Your name has changed.");
    } catch (problem) {
      setError(isCode(problem, "invalid", "too_large") ? "A name has 1 to 128 characters, and at least one that is visible." : errorText(problem));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void save(event)}>
      <Field
        label="Name shown to others" name="name" autocomplete="name" testid="settings-display-name" maxLength={128}
        value={name()} onValue={setName} error={error()} autofocus
      />
      <p class="dialog-hint">Your username stays @{model.me.username}.</p>
      <button type="submit" class="button primary wide" data-testid="settings-save-name" aria-disabled={busy()}>Save</button>
    </form>
  );
}
