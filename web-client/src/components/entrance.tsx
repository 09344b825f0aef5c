// Where people log in or register.

import { createSignal, Show } from "solid-js";
import { ConfabError } from "../../sdk";
import mark from "../mark.svg";
import { logIn, register } from "../state/account";
import { saying } from "../state/notes";
import { Field } from "./field";

type Way = "login" | "register";

export function Entrance() {
  const [way, setWay] = createSignal<Way>("login");
  return (
    <main class="entrance">
      <div class="entrance-card">
        <img class="entrance-mark" src={mark} alt="" width="48" height="48" />
        <h1>{way() === "login" ? "Welcome back" : "Create your account"}</h1>
        <p class="entrance-lead">
          {way() === "login" ? "Log in to go on where you left off." : "Pick a username that others can find you by."}
        </p>
        <Show when={way()} keyed>
          {(current) => <EntranceForm way={current} />}
        </Show>
        <p class="entrance-switch">
          <Show
            when={way() === "login"}
            fallback={<Switch testid="show-login" lead="Already registered?" label="Log in" go={() => setWay("login")} />}
          >
            <Switch testid="show-register" lead="New here?" label="Create an account" go={() => setWay("register")} />
          </Show>
        </p>
      </div>
    </main>
  );
}

function Switch(props: { testid: string; lead: string; label: string; go: () => void }) {
  return (
    <>
      {props.lead}{" "}
      <button type="button" class="text-button" data-testid={props.testid} onClick={() => props.go()}>
        {props.label}
      </button>
    </>
  );
}

function EntranceForm(props: { way: Way }) {
  const [username, setUsername] = createSignal("");
  const [displayName, setDisplayName] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [error, setError] = createSignal<string>();
  const [busy, setBusy] = createSignal(false);
  const isNew = () => props.way === "register";

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (busy()) return;
    setBusy(true);
    setError(undefined);
    try {
      const secrets = { username: username().trim(), password: password() };
      const display_name = displayName().trim();
      await (isNew() ? register({ ...secrets, ...(display_name ? { display_name } : {}) }) : logIn(secrets));
    } catch (problem) {
      setError(wording(problem, props.way));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} data-testid={`${props.way}-form`}>
      <Field
        label="Username" hint={isNew() ? "3–32 of a–z 0–9 _ . -" : ""} name="username" autocomplete="username" testid={`${props.way}-username`}
        value={username()} onValue={setUsername} autofocus
      />
      <Show when={isNew()}>
        <Field
          label="Name shown to others" hint="optional" name="name" autocomplete="name"
          testid="register-display-name" value={displayName()} onValue={setDisplayName} isOptional
        />
      </Show>
      <Field
        label="Password" hint={isNew() ? "8 or more characters" : ""} name="password" type="password" testid={`${props.way}-password`}
        autocomplete={isNew() ? "new-password" : "current-password"} value={password()} onValue={setPassword}
      />
      <p class="form-error" role="alert" data-testid="entrance-error">{error()}</p>
      <button class="button primary wide" type="submit" aria-disabled={busy()} data-testid={`${props.way}-submit`}>
        {isNew() ? "Create account" : "Log in"}
      </button>
    </form>
  );
}

function wording(error: unknown, way: Way): string {
  if (!(error instanceof ConfabError)) return "Confab cannot be reached. Check your connection and try again.";
  if (error.code === "conflict") return "This username is taken.";
  if (error.code === "unauthenticated" && way === "login") return "Username or password is not right.";
  if (error.code === "rate_limited") return "Too many attempts. Wait a moment and try again.";
  if (error.code === "invalid" && way === "login") return "Username or password is not right.";
  const field = error.problem.details?.["field"];
  if (error.code === "invalid" && field === "username") return "A username has 3 to 32 of a–z 0–9 _ . -";
  if (error.code === "invalid" && field === "password") return "A password has at least 8 characters.";
  return saying(error);
}
