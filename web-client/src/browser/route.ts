// What is open: a conversation, or an invite. It is kept in the URL, so that reload and the back button work.

import { createSignal } from "solid-js";

const CONVERSATION = /^#\/c\/(\d+)$/;
const INVITE = /^#\/i\/([^/]+)$/;
/** The path of an invite, below the folder of the page. */
const INVITE_PATH = /i\/([^/]+)$/;

leaveInvitePath();
const [opened, setOpened] = createSignal(read(CONVERSATION));
const [invited, setInvited] = createSignal(read(INVITE));
addEventListener("hashchange", () => {
  setOpened(read(CONVERSATION));
  setInvited(read(INVITE));
});
/** The invite by which the user joins as soon as they are logged in. */
let joining: string | undefined;

/** The open conversation, and the code of the open invite. */
export { opened, invited };

export const addressOf = (conversation: string): string => `#/c/${conversation}`;

export function goTo(conversation: string | undefined): void {
  location.hash = conversation ? addressOf(conversation) : "#/";
}

/** Called at a log-in. An invite that is open stays open: the user has read what they join. */
export function goToStart(): void {
  joining = invited();
  if (!joining) goTo(undefined);
}

/** Returns true if the user has just logged in to join by this invite. */
export function joinsAtOnce(invite: string): boolean {
  const isJoining = joining === invite;
  joining = undefined;
  return isJoining;
}

function read(pattern: RegExp): string | undefined {
  return pattern.exec(location.hash)?.[1];
}

/** Moves the code of an invite from the path to the hash, because the page's addresses are relative to its folder. */
function leaveInvitePath(): void {
  const [path, code] = INVITE_PATH.exec(location.pathname) ?? [];
  if (path) history.replaceState(null, "", `${location.pathname.slice(0, -path.length)}#/i/${code}`);
}
