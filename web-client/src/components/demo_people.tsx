// The people of a demo at the entrance. Their password is public.

import { createResource, createSignal, For, Show } from "solid-js";
import { errorText } from "../logic/refusals";
import { logIn } from "../state/account";
import { t } from "../text/language";
import { Avatar } from "./avatar";
import "../styles/demo.css";

interface DemoPerson {
  username: string;
  display_name: string;
  password: string;
}

async function offered(): Promise<DemoPerson[]> {
  const answer = await fetch("demo.json");
  return answer.ok ? ((await answer.json()) as DemoPerson[]) : [];
}

export function DemoPeople() {
  const [people] = createResource(offered);
  const [error, setError] = createSignal<string>();

  async function enter({ username, password }: DemoPerson): Promise<void> {
    setError(undefined);
    try {
      await logIn({ username, password });
    } catch (problem) {
      setError(errorText(problem));
    }
  }

  return (
    <section class="demo-people" aria-labelledby="demo-lead">
      <p id="demo-lead">{t().login.demo}</p>
      <ul>
        <For each={people.error ? [] : people()}>
          {(person) => (
            <li>
              <button type="button" class="demo-person" data-testid="demo-person" onClick={() => void enter(person)}>
                <Avatar id={person.username} name={person.display_name} size="small" />
                <bdi>{person.display_name}</bdi>
              </button>
            </li>
          )}
        </For>
      </ul>
      <Show when={error()}>
        {(text) => <p class="form-error" role="alert">{text()}</p>}
      </Show>
    </section>
  );
}
