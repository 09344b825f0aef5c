// Chooses the language of the page. Each language is named in itself.

import { createSignal, For, Show } from "solid-js";
import { errorText } from "../../logic/refusals";
import { chooseLanguage, chosenLanguage, type Code, LANGUAGES, t } from "../../text/language";

const CODES = Object.keys(LANGUAGES) as Code[];

export function nameOfLanguage(code: Code | undefined): string {
  return code ? LANGUAGES[code] : t().settings.languageOfSystem;
}

export function LanguagePage() {
  const [chosen, setChosen] = createSignal(chosenLanguage());
  const [error, setError] = createSignal<string>();

  async function choose(code: Code | undefined): Promise<void> {
    setChosen(code);
    setError(undefined);
    await chooseLanguage(code).catch((problem: unknown) => setError(errorText(problem)));
  }

  function Choice(props: { code: Code | undefined; name: string }) {
    return (
      <label class="settings-row" lang={props.code}>
        <span class="settings-row-text">{props.name}</span>
        <input
          type="radio" name="language" class="radio" data-testid={`language-${props.code ?? "system"}`} checked={chosen() === props.code}
          onChange={() => void choose(props.code)}
        />
      </label>
    );
  }

  return (
    <div class="settings-page" role="radiogroup" aria-label={t().settings.language}>
      <Choice code={undefined} name={nameOfLanguage(undefined)} />
      <For each={CODES}>{(code) => <Choice code={code} name={nameOfLanguage(code)} />}</For>
      <Show when={error()}>
        <p class="form-error" role="alert">{error()}</p>
      </Show>
    </div>
  );
}
