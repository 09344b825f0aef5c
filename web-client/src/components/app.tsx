// The whole page: the login page or the user's workspace, and the notifications.

import { For, Show } from "solid-js";
import { model } from "../state/account";
import { ModelContext } from "../state/model";
import { dismiss, notes } from "../state/notes";
import { LoginPage } from "./login_page";
import { CloseIcon } from "./icons";
import { Workspace } from "./workspace";

export function App() {
  return (
    <>
      <Show when={model()} keyed fallback={<LoginPage />}>
        {(current) => (
          <ModelContext.Provider value={current}>
            <Workspace />
          </ModelContext.Provider>
        )}
      </Show>
      <div class="notes" role="status" aria-live="polite">
        <For each={notes()}>
          {(note) => (
            <div class="note" data-testid="note">
              <span>{note.text}</span>
              <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => dismiss(note.id)}>
                <CloseIcon />
              </button>
            </div>
          )}
        </For>
      </div>
    </>
  );
}
