// Answers of calls that have entry points of their own: a search, and a link to a file.

import { entry } from "./entry.js";
import { integer, listOf, optional, record, text } from "./shape.js";

export const found = record({
  items: listOf(record({ conversation: text, entry, highlights: listOf(listOf(integer)) })),
  next_cursor: optional(text),
});

export const fileLink = record({ url: text, expires_at: text });
