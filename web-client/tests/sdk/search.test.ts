import { beforeEach, expect, it, vi } from "vitest";
import { Rest } from "../../sdk/rest";
import { eachMessage, findMessages } from "../../sdk/search";
import { Tokens } from "../../sdk/tokens";
import { C, FakeGateway, FakeLogins, storedLogin, textEntry } from "./gateway";

let gateway: FakeGateway;
let client: { rest: Rest };

beforeEach(() => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  client = { rest: new Rest(gateway.environment(), new Tokens(gateway.environment(), new FakeLogins(storedLogin()))) };
});

const item = (seq: number) => ({ conversation: C, entry: textEntry(seq, { text: "Meet for tea" }), highlights: [[9, 12]] });

it("query has the words, the filters and the cursor", async () => {
  gateway.answer("GET /v1/search", () => ({ items: [item(4)], next_cursor: null }));
  const page = await findMessages(client, { q: '"for tea"', has: "link", before: new Date(0), limit: 5 }, "next");
  const { entry, highlights } = page.items[0]!;
  const [start, end] = highlights[0]!;
  expect(entry.kind === "text" && entry.text?.slice(start, end)).toBe("tea");
  expect(page.next_cursor).toBeUndefined();
  const query = new URLSearchParams(gateway.called("/v1/search")[0]!.path.split("?")[1]);
  expect(Object.fromEntries(query)).toEqual({ q: '"for tea"', has: "link", before: "1970-01-01T00:00:00.000Z", limit: "5", cursor: "next" });
});

it("all messages are read page by page, past an empty page", async () => {
  const pages = [{ items: [item(9), item(8)], next_cursor: "a" }, { items: [], next_cursor: "b" }, { items: [item(3)], next_cursor: null }];
  gateway.answer("GET /v1/search", () => pages.shift()!);
  const seqs = [];
  for await (const { entry } of eachMessage(client, { q: "tea" })) seqs.push(entry.seq);
  expect(seqs).toEqual([9, 8, 3]);
});
