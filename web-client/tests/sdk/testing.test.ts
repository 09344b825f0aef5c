import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { browserEnvironment, type Client, type Confab, createConfab, memoryStore } from "../../sdk/index";
import { acceptInvite, createInvite, endInvite, listInvites, previewInvite } from "../../sdk/invites";
import { eachMessage, findMessages, type MessageQuery } from "../../sdk/search";
import { createFakeServer, type FakeServer } from "../../sdk/testing";

let server: FakeServer;
let group: string;
let opened: Confab[];

beforeEach(() => {
  vi.useFakeTimers();
  server = createFakeServer();
  group = server.group("Picnic", ["ada", "grace"]);
  opened = [];
});
afterEach(() => opened.forEach((confab) => confab.close()));

function connect(username: string): Confab {
  const auth = { username, password: "correct horse battery" };
  const confab = createConfab({ url: server.url, auth, store: memoryStore(), environment: server.environment });
  opened.push(confab);
  return confab;
}

async function clientOf(username: string): Promise<Client> {
  const client = await connect(username).lowLevel();
  await vi.advanceTimersByTimeAsync(10);
  return client;
}

const refused = (code: string) => expect.objectContaining({ code });

describe("invites of the fake server", () => {
  const preview = (code: string) => previewInvite({ ...browserEnvironment(server.url), ...server.environment }, code);

  it("owner makes, lists and ends invites", async () => {
    const ada = await clientOf("ada");
    const lasting = await createInvite(ada, group);
    const { code, uses_left } = await createInvite(ada, group, { max_uses: 2, expires_in: 3600 });
    expect([uses_left, lasting.uses_left]).toEqual([2, undefined]);
    expect((await listInvites(ada, group)).map((it) => it.code)).toEqual([code, lasting.code]);
    await endInvite(ada, code);
    expect((await listInvites(ada, group)).map((it) => it.code)).toEqual([lasting.code]);
    await expect(preview(code)).rejects.toEqual(refused("not_found"));
  });

  it("plain member makes and ends no invites", async () => {
    const grace = await clientOf("grace");
    await expect(createInvite(grace, group)).rejects.toEqual(refused("forbidden"));
    await expect(endInvite(grace, server.invite(group))).rejects.toEqual(refused("forbidden"));
  });

  it("invite shows its group to somebody without a login", async () => {
    const code = server.invite(group, 1);
    expect(await preview(code)).toMatchObject({ code, conversation: { id: group, title: "Picnic", member_count: 2 }, uses_left: 1 });
  });

  it("user who accepts sees the group from then on, and takes one use", async () => {
    server.say(group, "ada", "Before");
    const code = server.invite(group, 1);
    const hal = connect("hal");
    const client = await hal.lowLevel();
    expect(await acceptInvite(client, code)).toMatchObject({ id: group, member_count: 3, role: "member" });
    server.say(group, "ada", "Welcome");
    await vi.advanceTimersByTimeAsync(10);
    const room = hal.conversation(group);
    await vi.advanceTimersByTimeAsync(10);
    expect((await room).state.messages.map(({ text }) => text)).toEqual(["Welcome"]);
    await expect(preview(code)).rejects.toEqual(refused("not_found"));
    expect(await acceptInvite(client, code)).toMatchObject({ member_count: 3 });
    await expect(acceptInvite(await clientOf("ivy"), code)).rejects.toEqual(refused("not_found"));
  });

  it("members learn who joined by which admin's invite", async () => {
    const grace = connect("grace");
    const joined = vi.fn();
    grace.on("entry", (entry) => entry.kind === "joined" && joined(entry.user, entry.invited_by));
    await vi.advanceTimersByTimeAsync(10);
    await acceptInvite(await clientOf("hal"), server.invite(group));
    await vi.advanceTimersByTimeAsync(10);
    expect(joined.mock.calls).toEqual([[server.user("hal"), server.user("ada")]]);
  });

  it("invite ends with its time", async () => {
    const { code } = await createInvite(await clientOf("ada"), group, { expires_in: 60 });
    vi.setSystemTime(Date.now() + 60_000);
    await expect(preview(code)).rejects.toEqual(refused("not_found"));
  });
});

describe("search of the fake server", () => {
  const TEXTS = ["Tea in the garden?", "The Café at noon, see https://example.org", "tea, then the garden"];
  let client: Client;

  beforeEach(async () => {
    for (const text of TEXTS) server.say(group, "ada", text);
    client = await clientOf("grace");
  });

  async function find(query: MessageQuery): Promise<(string | undefined)[]> {
    const { items } = await findMessages(client, query);
    return items.map(({ entry }) => (entry.kind === "text" ? entry.text : undefined));
  }

  it.each([
    ["all words in any order, newest first", "garden tea", [2, 0]],
    ["last word that is unfinished", "garden te", [2, 0]],
    ["no other word that is unfinished", "te garden", []],
    ["words without case and accents", "cafe", [1]],
    ["phrase", '"the garden"', [2, 0]],
    ["no phrase whose words do not follow each other", '"tea the"', []],
    ["nothing for signs alone", "?!", []],
  ])("query finds %s", async (_, q, found) => {
    expect(await find({ q })).toEqual(found.map((at) => TEXTS[at]));
  });

  it("filters choose by sender, link, time and conversation", async () => {
    server.say(server.group("Other", ["grace"]), "grace", "Tea for one");
    expect(await find({ sender: server.user("grace") })).toEqual(["Tea for one"]);
    expect(await find({ has: "link" })).toEqual([TEXTS[1]]);
    expect(await find({ q: "tea", conversation: group })).toEqual([TEXTS[2], TEXTS[0]]);
    expect(await find({ q: "tea", before: new Date(0) })).toEqual([]);
  });

  it("highlights are where the text has the words", async () => {
    const [{ entry, highlights }] = (await findMessages(client, { q: '"the garden" tea' })).items as [never];
    expect(highlights).toEqual([[0, 3], [10, 20]]);
    expect((entry as { text: string }).text.slice(10, 20)).toBe("the garden");
  });

  it("edited text is found by what it says now, and redacted text is not found", async () => {
    const ada = server.log.user("ada");
    server.log.append(group, ada, { kind: "edited", target_seq: 3, text: "Coffee in the garden?" });
    server.log.append(group, ada, { kind: "redacted", target_seq: 5 });
    expect([await find({ q: "tea" }), await find({ q: "coffee" })]).toEqual([[], ["Coffee in the garden?"]]);
  });

  it("outsider finds nothing, and a query for no words and no filter is invalid", async () => {
    client = await clientOf("hal");
    expect(await find({ q: "tea" })).toEqual([]);
    await expect(find({ q: "tea", conversation: group })).rejects.toEqual(refused("not_found"));
    await expect(find({ before: new Date() })).rejects.toEqual(refused("invalid"));
  });

  it("pages repeat and leave out nothing when texts are added", async () => {
    const found = [];
    for await (const { entry } of eachMessage(client, { q: "the", limit: 1 })) {
      found.push(entry.seq);
      server.say(group, "ada", "the next one");
    }
    expect(found).toEqual([5, 4, 3]);
  });
});
