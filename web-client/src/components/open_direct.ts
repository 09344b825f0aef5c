// Opens the direct conversation with a user, which is created if it does not exist.

import { goTo } from "../browser/route";
import type { Model } from "../state/model";

export async function openDirect({ client, conversations }: Model, user: string): Promise<void> {
  const details = await client.rest.openDirect(user);
  conversations.upsert(details);
  goTo(details.id);
}
