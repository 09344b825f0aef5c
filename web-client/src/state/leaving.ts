// Leaving a group. It is hidden at once, and left after some seconds, in which the user can undo it.

import { LoggedOut } from "../../sdk/index";
import { goTo } from "../browser/route";
import { errorText } from "../logic/refusals";
import { t } from "../text/language";
import type { Model } from "./model";
import { dismiss, NOTE_MS, notify, offer } from "./notes";

interface Leaving {
  timer: ReturnType<typeof setTimeout>;
  note: number;
}

const created = new WeakMap<Model, ReturnType<typeof createLeaving>>();

/** Leaves a group of the user of this model. */
export function leave(model: Model, id: string, title: string): void {
  const leaving = created.get(model) ?? createLeaving(model);
  created.set(model, leaving);
  leaving.leave(id, title);
}

function createLeaving({ client, me, conversations: { setHidden }, remove, beforeClosing }: Model) {
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
      await client.rest.removeMember(id, me.id);
      remove(id);
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

  beforeClosing(() => Promise.all([...running.keys()].map(complete)));
  return { leave };
}
