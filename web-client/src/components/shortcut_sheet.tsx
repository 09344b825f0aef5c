// The list of keyboard shortcuts.

import { For } from "solid-js";
import { t } from "../text/language";
import { Dialog } from "./dialog";
import "../styles/shortcuts.css";

const IS_APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent);
const COMMAND = IS_APPLE ? "⌘" : "Ctrl";

export function ShortcutSheet(props: { onClose: () => void }) {
  const all = (): [keys: string[], meaning: string][] => [
    [[COMMAND, "K"], t().shortcuts.switcher],
    [[COMMAND, "F"], t().search.here],
    [["?"], t().shortcuts.shortcuts],
    [[COMMAND, "."], t().shortcuts.developer],
    [["Enter"], t().shortcuts.send],
    [["Shift", "Enter"], t().shortcuts.newLine],
    [["↑"], t().shortcuts.editLast],
    [["Esc"], t().shortcuts.cancel],
    [["↑", "↓"], t().shortcuts.messages],
    [["Home", "End"], t().shortcuts.ends],
  ];
  return (
    <Dialog title={t().shortcuts.title} testid="shortcut-sheet" onClose={() => props.onClose()}>
      <dl class="shortcuts">
        <For each={all()}>
          {([keys, meaning]) => (
            <div class="shortcut">
              <dt>{meaning}</dt>
              <dd dir="ltr"><For each={keys}>{(key) => <kbd>{key}</kbd>}</For></dd>
            </div>
          )}
        </For>
      </dl>
    </Dialog>
  );
}
