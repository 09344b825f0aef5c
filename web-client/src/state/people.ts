// Who people are, where they are, and who is typing.

import { createStore, produce } from "solid-js/store";
import type { Client, Presence, Typing, User } from "../../sdk";

const ASKED_MAX = 100;
const ASK_AFTER_MS = 10;

/** An indicator that nobody renews ends by itself. */
export const TYPING_EXPIRES_MS = 6_000;

/** Whether somebody is here is known only as long as this page is attached itself. */
export function createPeople(client: Client, me: User, isAttached: () => boolean) {
  const [users, setUsers] = createStore<Record<string, User>>({ [me.id]: me });
  const [presence, setPresence] = createStore<Record<string, Presence>>({});
  const asked = new Set<string>();
  let wanted: string[] = [];

  function know(user: User | undefined): void {
    if (user) setUsers(user.id, user);
  }

  /** What is known of a user; those who are not known are asked for together. */
  function get(id: string): User | undefined {
    if (!users[id] && !asked.has(id)) {
      if (wanted.length === 0) setTimeout(ask, ASK_AFTER_MS);
      asked.add(id);
      wanted.push(id);
    }
    return users[id];
  }

  function ask(): void {
    const ids = wanted.splice(0, ASKED_MAX);
    if (wanted.length > 0) setTimeout(ask, ASK_AFTER_MS);
    client.rest.users(ids).then(
      (found) => found.forEach(know),
      () => ids.forEach((id) => asked.delete(id)),
    );
  }

  return {
    get,
    know,
    presence: (id: string): Presence | undefined => (isAttached() ? presence[id] : undefined),
    seen: (it: Presence) => setPresence(it.user, it),
  };
}

export function createTyping() {
  const [state, set] = createStore<Record<string, string[]>>({});
  const timers = new Map<string, ReturnType<typeof setTimeout>>();

  function stop(conversation: string, user: string): void {
    clearTimeout(timers.get(`${conversation} ${user}`));
    set(conversation, (users = []) => users.filter((other) => other !== user));
  }

  function take(typing: Typing): void {
    stop(typing.conversation, typing.user);
    if (!typing.on) return;
    const expire = () => stop(typing.conversation, typing.user);
    timers.set(`${typing.conversation} ${typing.user}`, setTimeout(expire, TYPING_EXPIRES_MS));
    set(typing.conversation, (users = []) => [...users, typing.user]);
  }

  return {
    take,
    stop,
    in: (conversation: string): string[] => state[conversation] ?? [],
    drop: (conversation: string) => set(produce((all) => void delete all[conversation])),
  };
}
