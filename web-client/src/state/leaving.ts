// Leaving a group. It is hidden at once, and left after some seconds, in which the user can undo it.

import { type Client, LoggedOut } from "../../sdk/index";
import { goTo } from "../browser/route";
import { errorText } from "../logic/refusals";
import { t } from "../text/language";
import type { createConversations } from "./conversations";
import { dismiss, NOTE_MS, notify, offer } from "./notes";

interface Leaving {
  timer: ReturnType<typeof setTimeout>;
  note: number;
}

export function createLeaving(client: Client, me: string, { setHidden }: ReturnType<typeof createConversations>, left: (id: string) => void) {
  const running = new Map<string, Leaving>();

  function leave(id: string, title: string): void {
    setHidden(id, true);
    goTo(undefined);
    const note = offer(t().conversation.leaving(title), { label: t().page.undo, run: () => undo(id) });
    running.set(id, { note, timer: setTimeout(() => void complete(id), NOTE_MS) });
  }

  function undo(id: string): void {
    if (!end(id)) return;
    setHidden(id, false);
    goTo(id);
  }

  async function complete(id: string): Promise<void> {
    if (!end(id)) return;
    try {
      await client.rest.removeMember(id, me);
      left(id);
    } catch (error) {
      if (!(error instanceof LoggedOut)) notify(errorText(error));
    }
    setHidden(id, false);
  }

  /** Returns false if the conversation is not being left any more. */
  function end(id: string): boolean {
    const leaving = running.get(id);
    if (!leaving) return false;
    clearTimeout(leaving.timer);
    dismiss(leaving.note);
    return running.delete(id);
  }

  return {
    leave,
    /** Leaves at once what is being left. Called before the page is closed or the user logs out. */
    completeAll: (): Promise<unknown> => Promise.all([...running.keys()].map(complete)),
  };
}
