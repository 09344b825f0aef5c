// The login of this page: no user, or one user with a running client.

import { createRoot, createSignal } from "solid-js";
import { browserEnvironment, Client, type EndReason, type Environment, type LogIn, type Registration, Rest, Tokens, type User } from "../../sdk/index";
import { shareAmongTabs } from "../../sdk/tabs";
import { deviceName } from "../browser/device";
import { forgetDrafts } from "../browser/drafts";
import { loadUser, logins, onLoginChange, saveUser } from "../browser/logins";
import { gatewayUrl, storageKey } from "../browser/place";
import { goTo } from "../browser/route";
import { forgetUnsent, unsentOf } from "../browser/unsent";
import { createModel, type Model } from "./model";
import { notify } from "./notes";

let isClosing = false;
const environment: Environment = {
  ...browserEnvironment(gatewayUrl()),
  fetch: (url, init) => fetch(url, { ...init, keepalive: isClosing }), // calls while the page is closed are completed
};
const [model, setModel] = createSignal<Model>();
let disposeModel = () => undefined as void;

export { model };

export const register = (it: Registration): Promise<void> => authenticate((rest) => rest.register(it));
export const logIn = (it: Omit<LogIn, "device">): Promise<void> =>
  authenticate((rest) => rest.logIn({ ...it, device: deviceName(navigator.userAgent) }));

export async function logOut(): Promise<void> {
  const { client, me } = model() ?? {};
  await model()?.completeLeaving();
  closeModel();
  if (me) forgetDrafts(me.id);
  if (me) forgetUnsent(me.id);
  await client?.rest.logOut().catch(() => undefined); // the tokens are removed even if this fails
}

/** Restores the login that this browser has stored, and follows logins and logouts in other tabs. */
export function restoreLogin(): void {
  const user = loadUser();
  if (user) openModel(user);
  onLoginChange(() => {
    const current = loadUser();
    if (current && current.id === model()?.me.id) return model()?.people.add(current);
    closeModel();
    if (current) openModel(current);
  });
  addEventListener("online", () => model()?.client.wake());
  addEventListener("offline", () => model()?.client.networkLost());
  addEventListener("pagehide", () => {
    isClosing = true;
    model()?.client.flushReceipts();
    void model()?.completeLeaving();
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
  goTo(undefined);
  openModel(user);
}

function openModel(user: User): void {
  const client = new Client({
    environment,
    tokens: new Tokens(environment, logins),
    unsent: unsentOf(user.id),
    name: "confab-web",
    share: shareAmongTabs(storageKey(`tabs.${logins.load()?.id}`)),
  });
  client.on("ended", onEnded);
  const { model, dispose } = createRoot((dispose) => ({ model: createModel(client, user), dispose }));
  disposeModel = dispose;
  setModel(model);
  client.start();
}

function closeModel(): void {
  const current = model();
  current?.end();
  setModel(undefined);
  current?.client.stop();
  disposeModel();
}

function onEnded(reason: EndReason): void {
  if (reason === "stopped") return;
  if (reason === "refused") return notify("The server refused this page. Reload it to continue.");
  logins.save(undefined);
  closeModel();
  notify("You were logged out. Log in again to continue.");
}
