// Who people are, where they are, and who is typing.

import { createStore, produce } from "solid-js/store";
import type { Client, Presence, Typing, User } from "../../sdk";

/** An indicator that nobody renews ends by itself. */
export const TYPING_EXPIRES_MS = 6_000;

export function createPeople(client: Client, me: User) {
  const [users, setUsers] = createStore<Record<string, User>>({ [me.id]: me });
  const [presence, setPresence] = createStore<Record<string, Presence>>({});
  const asked = new Set<string>();

  function know(user: User | undefined): void {
    if (user) setUsers(user.id, user);
  }

  /** What is known of a user; the gateway is asked once for whom is not. */
  function get(id: string): User | undefined {
    if (!users[id] && !asked.has(id)) {
      asked.add(id);
      client.rest.user(id).then(know, () => asked.delete(id));
    }
    return users[id];
  }

  return {
    get,
    know,
    presence: (id: string): Presence | undefined => presence[id],
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
