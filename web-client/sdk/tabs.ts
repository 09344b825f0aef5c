// Sharing one connection among the tabs of a login, for apps that use `Client`. `createConfab` loads this by itself.

import type { ShareSession } from "./client.js";
import { TabSession } from "./tab_session.js";

/** The version of the messages between tabs. Tabs of other versions, for example from before an update, connect themselves. */
const VERSION = 1;

/**
 * Returns what makes the session of a client shared. `name` names the login, and is the same in all of its tabs. Where the
 * browser has no Web Locks or channels, each tab connects itself.
 */
export function shareAmongTabs(name: string): ShareSession {
  const versioned = `${name} ${VERSION}`;
  return (parts) => {
    const { locks, openChannel } = parts.environment;
    return locks && openChannel ? new TabSession({ ...parts, locks, channel: openChannel(versioned), name: versioned }) : undefined;
  };
}
