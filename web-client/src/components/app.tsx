// The whole page: the login page or the user's workspace, and the notifications.

import { For, Show } from "solid-js";
import { opened } from "../browser/route";
import { model } from "../state/account";
import { ModelContext } from "../state/model_context";
import { dismiss, type Note, notes } from "../state/notes";
import { t } from "../text/language";
import { CloseIcon } from "./icons";
import { laterScreen } from "./later";
import { Sentence } from "./sentence";

const loadLogin = async () => (await import("./login_page")).LoginPage;
const loadWorkspace = async () => (await import("./workspace")).Workspace;
const LoginPage = laterScreen(loadLogin);
const Workspace = laterScreen(loadWorkspace);

/** Loads the first screen, so that it is shown at once. */
export const loadScreen = (isLoggedIn: boolean): Promise<unknown> => (isLoggedIn ? loadWorkspace() : loadLogin());

const isHere = ({ conversation }: Note) => conversation === undefined || conversation === opened();

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
        <For each={notes().filter(isHere)}>
          {(note) => (
            <div class="note" data-testid="note">
              <span><Sentence text={note.text} /></span>
              <Show when={note.action}>
                {(action) => (
                  <button
                    type="button" class="text-button" data-testid="note-action"
                    onClick={() => {
                      dismiss(note.id);
                      action().run();
                    }}
                  >
                    {action().label}
                  </button>
                )}
              </Show>
              <button type="button" class="icon-button" aria-label={t().page.dismiss} onClick={() => dismiss(note.id)}>
                <CloseIcon />
              </button>
            </div>
          )}
        </For>
      </div>
    </>
  );
}
