// Search in messages.

import type { Client } from "./client.js";
import type { Entry } from "./entry.js";
import { found } from "./found.js";

/** What to find. At least one of `q`, `sender` and `has` is required. */
export interface MessageQuery {
  /** The words to look for. All must be in the text, the last one may be unfinished, and `"…"` is a phrase. */
  q?: string;
  /** Only in this conversation. */
  conversation?: string;
  /** Only messages of this user. */
  sender?: string;
  /** Only messages with a link, or only those with a file. */
  has?: "link" | "attachment";
  /** Only messages sent before this time. */
  before?: Date;
  /** Only messages sent after this time. */
  after?: Date;
  /** The number of messages of a page, at most 100. */
  limit?: number;
}

/** A message that was found. */
export interface FoundMessage {
  /** Its conversation. */
  conversation: string;
  /** The message in its present state. */
  entry: Entry;
  /** Where its text has what was looked for: pairs of start and end, as in `text.slice(start, end)`. */
  highlights: number[][];
}

/** A page of messages that were found, newest first. It may be short, or empty, although there are more. */
export interface FoundMessages {
  /** The messages. */
  items: FoundMessage[];
  /** The cursor of the next page. The last page has none. */
  next_cursor?: string | undefined;
}

/** Returns a page of the messages that match, newest first. `cursor` is the `next_cursor` of the page before. */
export function findMessages(client: Pick<Client, "rest">, query: MessageQuery, cursor?: string, signal?: AbortSignal): Promise<FoundMessages> {
  const { before, after, ...rest } = query;
  const fields = { ...rest, before: before?.toISOString(), after: after?.toISOString(), cursor };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const path = `/v1/search?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
  return client.rest.call("GET", path, found, signal ? { signal } : {});
}

/** Returns all messages that match, newest first, and reads page by page. */
export async function* eachMessage(client: Pick<Client, "rest">, query: MessageQuery): AsyncGenerator<FoundMessage, void> {
  let cursor: string | undefined;
  do {
    const page: FoundMessages = await findMessages(client, query, cursor);
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== undefined);
}
