// The page for login and registration.

import { createSignal, Show } from "solid-js";
import { ConfabError } from "../../sdk/index";
import { errorText, newPasswordError } from "../logic/refusals";
import mark from "../mark.svg";
import { logIn, register } from "../state/account";
import { Field } from "./field";

type Mode = "login" | "register";

export function LoginPage() {
  const [mode, setMode] = createSignal<Mode>("login");
  return (
    <main class="login">
      <div class="login-card">
        <img class="login-mark" src={mark} alt="" width="48" height="48" />
        <h1>{mode() === "login" ? "Welcome back" : "Create your account"}</h1>
        <p class="login-lead">
          {mode() === "login" ? "Log in to continue where you left off." : "Choose a username that others can find you by."}
        </p>
        <Show when={mode()} keyed>
          {(current) => <LoginForm mode={current} />}
        </Show>
        <p class="login-switch">
          <Show
            when={mode() === "login"}
            fallback={<Switch testid="show-login" lead="Already registered?" label="Log in" go={() => setMode("login")} />}
          >
            <Switch testid="show-register" lead="New here?" label="Create an account" go={() => setMode("register")} />
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

function LoginForm(props: { mode: Mode }) {
  const [username, setUsername] = createSignal("");
  const [displayName, setDisplayName] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [error, setError] = createSignal<string>();
  const [busy, setBusy] = createSignal(false);
  const isNew = () => props.mode === "register";

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
      setError(loginErrorText(problem, props.mode, password()));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} data-testid={`${props.mode}-form`}>
      <Field
        label="Username" hint={isNew() ? "3–32 characters: a–z 0–9 _ . -" : ""} name="username" autocomplete="username" testid={`${props.mode}-username`}
        value={username()} onValue={setUsername} autofocus
      />
      <Show when={isNew()}>
        <Field
          label="Name shown to others" hint="optional" name="name" autocomplete="name"
          testid="register-display-name" value={displayName()} onValue={setDisplayName} isOptional
        />
      </Show>
      <Field
        label="Password" hint={isNew() ? "8 or more characters" : ""} name="password" type="password" testid={`${props.mode}-password`} maxLength={1024}
        autocomplete={isNew() ? "new-password" : "current-password"} value={password()} onValue={setPassword}
      />
      <p class="form-error" role="alert" data-testid="entrance-error">{error()}</p>
      <button class="button primary wide" type="submit" aria-disabled={busy()} data-testid={`${props.mode}-submit`}>
        {isNew() ? "Create account" : "Log in"}
      </button>
    </form>
  );
}

function loginErrorText(error: unknown, mode: Mode, password: string): string {
  if (!(error instanceof ConfabError)) return errorText(error);
  if (error.code === "conflict") return "This username is taken.";
  if (error.code === "unauthenticated" && mode === "login") return "The username or password is wrong.";
  if (error.code === "rate_limited") return "Too many attempts. Wait a moment and try again.";
  if (error.code === "invalid" && mode === "login") return "The username or password is wrong.";
  if (error.code === "invalid" && error.field === "username") return "A username has 3 to 32 characters: a–z 0–9 _ . -";
  if (error.field === "password") return newPasswordError(error, password);
  return errorText(error);
}
