// Creates the model of a logged-in page with its client. Only a logged-in page loads this part.

import { createRoot } from "solid-js";
import { Client, type EndReason, type Environment, Tokens, type User } from "../../sdk/index";
import { shareAmongTabs } from "../../sdk/tabs";
import { logins } from "../browser/logins";
import { storageKey } from "../browser/place";
import { unsentOf } from "../browser/unsent";
import { createModel, type Model } from "./model";

export function startModel(user: User, environment: Environment, onEnded: (reason: EndReason) => void): { model: Model; dispose: () => void } {
  const client = new Client({
    environment,
    tokens: new Tokens(environment, logins),
    unsent: unsentOf(user.id),
    name: "confab-web",
    share: shareAmongTabs(storageKey(`tabs.${logins.load()?.id}`)),
  });
  client.on("ended", onEnded);
  return createRoot((dispose) => ({ model: createModel(client, user), dispose }));
}
