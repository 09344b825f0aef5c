// Users, their presence, and who is typing.

import { createStore, produce } from "solid-js/store";
import type { Client, Presence, Typing, User } from "../../sdk/index";

const REQUEST_USERS_MAX = 100;
const REQUEST_DELAY_MS = 10;

/** A typing indicator ends after this time unless it is renewed. */
export const TYPING_EXPIRES_MS = 6_000;

/** Users and their presence. Presence is known only while this page is connected. */
export function createPeople(client: Client, me: User, isAttached: () => boolean) {
  const [users, setUsers] = createStore<Record<string, User>>({ [me.id]: me });
  const [presence, setStore] = createStore<Record<string, Presence>>({});
  const requested = new Set<string>();
  let queue: string[] = [];

  function add(user: User | undefined): void {
    if (user) setUsers(user.id, user);
  }

  /** Returns a user if known. Requests unknown users together after a short delay. */
  function get(id: string): User | undefined {
    if (!users[id] && !requested.has(id)) {
      if (queue.length === 0) setTimeout(request, REQUEST_DELAY_MS);
      requested.add(id);
      queue.push(id);
    }
    return users[id];
  }

  function request(): void {
    const ids = queue.splice(0, REQUEST_USERS_MAX);
    if (queue.length > 0) setTimeout(request, REQUEST_DELAY_MS);
    client.rest.users(ids).then(
      (found) => found.forEach(add),
      () => ids.forEach((id) => requested.delete(id)),
    );
  }

  return {
    get,
    add,
    presence: (id: string): Presence | undefined => (isAttached() ? presence[id] : undefined),
    setPresence: (it: Presence) => setStore(it.user, it),
  };
}

export function createTyping() {
  const [state, set] = createStore<Record<string, string[]>>({});
  const timers = new Map<string, ReturnType<typeof setTimeout>>();

  function stop(conversation: string, user: string): void {
    clearTimeout(timers.get(`${conversation} ${user}`));
    set(conversation, (users = []) => users.filter((other) => other !== user));
  }

  function apply(typing: Typing): void {
    stop(typing.conversation, typing.user);
    if (!typing.on) return;
    const expire = () => stop(typing.conversation, typing.user);
    timers.set(`${typing.conversation} ${typing.user}`, setTimeout(expire, TYPING_EXPIRES_MS));
    set(typing.conversation, (users = []) => [...users, typing.user]);
  }

  return {
    apply,
    stop,
    in: (conversation: string): string[] => state[conversation] ?? [],
    drop: (conversation: string) => set(produce((all) => void delete all[conversation])),
  };
}
