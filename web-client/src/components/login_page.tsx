// The page for login and registration.

import { createSignal, Show } from "solid-js";
import { ConfabError } from "../../sdk/index";
import { deviceName } from "../browser/device";
import { invited } from "../browser/route";
import { errorText, newPasswordError } from "../logic/refusals";
import mark from "../mark.svg";
import { logIn, register } from "../state/account";
import { t } from "../text/language";
import { Field } from "./field";
import { later, laterScreen } from "./later";
import "../styles/login.css";

type Mode = "login" | "register";

const InviteCard = later(async () => (await import("./invites/invite_card")).InviteCard);
const DemoPeople = laterScreen(async () => (await import("./demo_people")).DemoPeople);

/** The server of a demo marks the page, so that no other page needs a request to find out. */
function isDemo(): boolean {
  const [page] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return page?.serverTiming?.some((mark) => mark.name === "demo") ?? false;
}

export function LoginPage() {
  const [mode, setMode] = createSignal<Mode>("login");
  return (
    <main class="login">
      <div class="login-card">
        <img class="login-mark" src={mark} alt="" width="48" height="48" />
        <h1>{mode() === "login" ? t().login.welcome : t().login.create}</h1>
        <p class="login-lead">
          {mode() === "login" ? t().login.logInLead : t().login.createLead}
        </p>
        <Show when={invited()} keyed>
          {(code) => <InviteCard code={code} />}
        </Show>
        <Show when={isDemo() && mode() === "login"}>
          <DemoPeople />
        </Show>
        <Show when={mode()} keyed>
          {(current) => <LoginForm mode={current} />}
        </Show>
        <p class="login-switch">
          <Show
            when={mode() === "login"}
            fallback={<Switch testid="show-login" lead={t().login.isRegistered} label={t().login.logIn} go={() => setMode("login")} />}
          >
            <Switch testid="show-register" lead={t().login.isNew} label={t().login.createAnAccount} go={() => setMode("register")} />
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
      await (isNew() ? register({ ...secrets, ...(display_name ? { display_name } : {}) }) : logIn({ ...secrets, device: deviceName(navigator.userAgent) }));
    } catch (problem) {
      setError(loginErrorText(problem, props.mode, password()));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} data-testid={`${props.mode}-form`}>
      <Field
        label={t().login.username} hint={isNew() ? t().login.usernameHint : ""} name="username" autocomplete="username" testid={`${props.mode}-username`}
        value={username()} onValue={setUsername} autofocus
      />
      <Show when={isNew()}>
        <Field
          label={t().login.displayName} hint={t().login.optional} name="name" autocomplete="name"
          testid="register-display-name" value={displayName()} onValue={setDisplayName} isOptional
        />
      </Show>
      <Field
        label={t().login.password} hint={isNew() ? t().login.passwordHint : ""} name="password" type="password" testid={`${props.mode}-password`}
        autocomplete={isNew() ? "new-password" : "current-password"} value={password()} onValue={setPassword}
      />
      <p class="form-error" role="alert" data-testid="entrance-error">{error()}</p>
      <button class="button primary wide" type="submit" aria-disabled={busy()} data-testid={`${props.mode}-submit`}>
        {isNew() ? t().login.createAccount : t().login.logIn}
      </button>
    </form>
  );
}

function loginErrorText(error: unknown, mode: Mode, password: string): string {
  if (!(error instanceof ConfabError)) return errorText(error);
  if (error.code === "conflict") return t().login.taken;
  if (error.code === "unauthenticated" && mode === "login") return t().login.wrong;
  if (error.code === "rate_limited") return t().login.tooManyAttempts;
  if (error.code === "invalid" && mode === "login") return t().login.wrong;
  if (error.code === "invalid" && error.field === "username") return t().login.badUsername;
  if (error.field === "password") return newPasswordError(error, password);
  return errorText(error);
}
