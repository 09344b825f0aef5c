// The answer to a search.

import { entry } from "./entry.js";
import { integer, listOf, optional, record, text } from "./shape.js";

export const found = record({
  items: listOf(record({ conversation: text, entry, highlights: listOf(listOf(integer)) })),
  next_cursor: optional(text),
});
