// The users whom this user has blocked. They are read when they are first needed.

import { createSignal } from "solid-js";
import type { Client } from "../../sdk/index";

export function createBlocks(client: Client) {
  const [blocked, setBlocked] = createSignal<readonly string[]>();

  /** Reads the list. Gateways without blocks leave it unknown. */
  async function load(): Promise<void> {
    setBlocked(await client.rest.blocks());
  }

  async function block(user: string): Promise<void> {
    await client.rest.block(user);
    setBlocked((users = []) => [...users.filter((other) => other !== user), user]);
  }

  async function unblock(user: string): Promise<void> {
    await client.rest.unblock(user);
    setBlocked((users = []) => users.filter((other) => other !== user));
  }

  return { all: blocked, has: (user: string) => blocked()?.includes(user) ?? false, load, block, unblock };
}
