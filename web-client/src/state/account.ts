// Who is logged in on this page: nobody, or one user with a running client.

import { createRoot, createSignal } from "solid-js";
import { browserSurroundings, Client, type EndReason, type User } from "../../sdk";
import type { LogIn, Registration } from "../../sdk/body";
import { Rest } from "../../sdk/rest";
import { Tokens } from "../../sdk/tokens";
import { deviceName } from "../browser/device";
import { forgetDrafts } from "../browser/drafts";
import { loadUser, logins, onOtherTab, saveUser } from "../browser/logins";
import { goTo } from "../browser/route";
import { unsentOf } from "../browser/unsent";
import { createModel, type Model } from "./model";
import { note } from "./notes";

const surroundings = browserSurroundings(location.origin);
const [model, setModel] = createSignal<Model>();
let disposeModel = () => undefined as void;

export { model };

export const register = (it: Registration): Promise<void> => enter((rest) => rest.register(it));
export const logIn = (it: Omit<LogIn, "device">): Promise<void> =>
  enter((rest) => rest.logIn({ ...it, device: deviceName(navigator.userAgent) }));

export async function logOut(): Promise<void> {
  const { client, me } = model() ?? {};
  leave();
  if (me) forgetDrafts(me.id);
  await client?.rest.logOut().catch(() => undefined); // the tokens are forgotten either way
}

/** Takes up the login that this browser keeps, and follows what other tabs do with it. */
export function takeUp(): void {
  const user = loadUser();
  if (user) begin(user);
  onOtherTab(() => {
    const current = loadUser();
    if (current?.id === model()?.me.id) return;
    leave();
    if (current) begin(current);
  });
  for (const name of ["online", "offline"]) addEventListener(name, () => model()?.client.wake());
  addEventListener("pagehide", () => model()?.client.flushReceipts());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") model()?.client.wake();
  });
}

async function enter(how: (rest: Rest) => Promise<User>): Promise<void> {
  const tokens = new Tokens(surroundings, logins);
  const user = await how(new Rest(surroundings, tokens));
  tokens.stop(); // the client has its own
  saveUser(user);
  goTo(undefined);
  begin(user);
}

function begin(user: User): void {
  const client = new Client({ surroundings, logins, unsent: unsentOf(user.id), name: "confab-web" });
  client.on("ended", ended);
  const { model, dispose } = createRoot((dispose) => ({ model: createModel(client, user), dispose }));
  disposeModel = dispose;
  setModel(model);
  client.start();
}

function leave(): void {
  const current = model();
  current?.end();
  setModel(undefined);
  current?.client.stop();
  disposeModel();
}

function ended(reason: EndReason): void {
  if (reason === "stopped") return;
  if (reason === "refused") return note("The gateway refused this page. Reload it to go on.");
  logins.save(undefined);
  leave();
  note("You were logged out. Log in again to go on.");
}
