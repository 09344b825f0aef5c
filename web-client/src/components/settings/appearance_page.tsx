// Chooses between light, dark and what the system prefers.

import { createSignal, For } from "solid-js";
import { chooseTheme, chosenTheme, type Theme, THEMES } from "../../browser/theme";
import { t } from "../../text/language";

export function nameOfTheme(theme: Theme | undefined): string {
  return { system: t().settings.themeOfSystem, light: t().settings.themeLight, dark: t().settings.themeDark }[theme ?? "system"];
}

export function AppearancePage() {
  const [chosen, setChosen] = createSignal(chosenTheme());

  function choose(theme: Theme | undefined): void {
    setChosen(theme);
    chooseTheme(theme);
  }

  return (
    <div class="settings-page" role="radiogroup" aria-label={t().settings.appearance}>
      <For each={[undefined, ...THEMES]}>
        {(theme) => (
          <label class="settings-row">
            <span class="settings-row-text">{nameOfTheme(theme)}</span>
            <input
              type="radio" name="theme" class="radio" data-testid={`theme-${theme ?? "system"}`} checked={chosen() === theme}
              onChange={() => choose(theme)}
            />
          </label>
        )}
      </For>
    </div>
  );
}
