// The login of this page: no user, or one user with a running client.

import { createSignal } from "solid-js";
import { browserEnvironment, type EndReason, type Environment, type LogIn, type Registration, Rest, Tokens, type User } from "../../sdk/index";
import { forgetDrafts } from "../browser/drafts";
import { loadUser, logins, onLoginChange, saveUser } from "../browser/logins";
import { gatewayUrl } from "../browser/place";
import { goToStart } from "../browser/route";
import { forgetUnsent } from "../browser/unsent_keys";
import { t } from "../text/language";
import type { Model } from "./model";
import { notify } from "./notes";

let isClosing = false;
/** What the client uses of the browser. The developer tools replace parts of it. */
export const environment: Environment = {
  ...browserEnvironment(gatewayUrl()),
  fetch: (url, init) => fetch(url, { ...init, keepalive: isClosing }), // calls while the page is closed are completed
};
const loadStart = () => import("./start_model");
const [model, setModel] = createSignal<Model>();
let disposeModel = () => undefined as void;

export { model };

export const register = (it: Registration): Promise<void> => authenticate((rest) => rest.register(it));
export const logIn = (it: LogIn): Promise<void> => authenticate((rest) => rest.logIn(it));

export async function logOut(): Promise<void> {
  const { client, me } = model() ?? {};
  await model()?.finish();
  closeModel();
  if (me) forgetDrafts(me.id);
  if (me) forgetUnsent(me.id);
  await client?.rest.logOut().catch(() => undefined); // the tokens are removed even if this fails
}

/** Restores the login that this browser has stored, and follows logins and logouts in other tabs. */
export async function restoreLogin(): Promise<void> {
  followBrowser();
  const user = loadUser();
  if (user) await openModel(user);
}

function followBrowser(): void {
  onLoginChange(() => {
    const current = loadUser();
    if (current && current.id === model()?.me.id) return model()?.people.add(current);
    closeModel();
    if (current) void openModel(current);
  });
  addEventListener("online", () => model()?.client.wake());
  addEventListener("offline", () => model()?.client.networkLost());
  addEventListener("pagehide", () => {
    isClosing = true;
    model()?.client.flushReceipts();
    void model()?.finish();
  });
  addEventListener("pageshow", () => (isClosing = false));
  addEventListener("beforeunload", (event) => {
    if (model()?.pending.hasUnsaved()) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") model()?.client.wake();
  });
}

async function authenticate(request: (rest: Rest) => Promise<User>): Promise<void> {
  const tokens = new Tokens(environment, logins);
  const user = await request(new Rest(environment, tokens));
  tokens.stop(); // the client creates its own
  saveUser(user);
  goToStart();
  await openModel(user);
}

/** Loads what only a logged-in page needs, and starts its client. */
async function openModel(user: User): Promise<void> {
  const { startModel } = await loadStart();
  if (model() || loadUser()?.id !== user.id) return; // another tab has logged in or out in the meantime
  const login = logins.load()?.id;
  const started = startModel(user, environment, (reason) => onEnded(reason, user, login));
  disposeModel = started.dispose;
  setModel(started.model);
  started.model.client.start();
}

function closeModel(): void {
  const current = model();
  current?.end();
  setModel(undefined);
  current?.client.stop();
  disposeModel();
}

/** Nothing of the user stays in a browser whose login was ended elsewhere, except messages that they meant to send. */
function onEnded(reason: EndReason, user: User, login: string | undefined): void {
  if (reason === "stopped") return;
  if (reason === "refused") return notify(t().page.refused);
  forgetDrafts(user.id);
  if (logins.load()?.id === login) logins.save(undefined); // a newer login of another tab stays
  closeModel();
  notify(t().page.loggedOut);
}
