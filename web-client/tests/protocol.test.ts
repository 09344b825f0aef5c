// Checks the SDK against the documented examples, in both directions.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as body from "../sdk/body";
import { type Command, commandFrame, helloFrame, readReply } from "../sdk/command";
import { attachment } from "../sdk/entry";
import { ERROR_CODES, problem } from "../sdk/error";
import { fileLink, found } from "../sdk/found";
import { anything, type Shape } from "../sdk/shape";
import * as wire from "../sdk/wire";

const FOLDER = join(import.meta.dirname, "../../docs/protocol");
const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const read = (name: string) => JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Record<string, unknown>;
const of = (kind: string) => names.filter((name) => name.startsWith(`${kind}-`)).map((name) => name.slice(0, -5));

it("error codes are those of the documented errors", () => {
  expect(of("error").map((name) => read(`${name}.json`)["code"]).sort()).toEqual([...ERROR_CODES].sort());
});

/** Shapes of answers by the start of the example's name. The longest match counts. */
const ANSWERS: Record<string, Shape<unknown>> = {
  "answer-attachment": attachment,
  "answer-file-link": fileLink,
  "answer-conversation": wire.conversation,
  "answer-conversations": wire.conversations,
  "answer-history": wire.history,
  "answer-logged-in": wire.registered,
  "answer-blocks": wire.blocks,
  "answer-me": wire.me,
  "answer-member": wire.member,
  "answer-members": wire.members,
  "answer-poll": wire.polled,
  "answer-presence": wire.presences,
  "answer-refreshed": wire.renewed,
  "answer-registered": wire.registered,
  "answer-search": found,
  "answer-sent": wire.sent,
  "answer-sessions": wire.logins,
  "answer-user": wire.user,
  "answer-users": wire.users,
};

function longest<T>(table: Record<string, T>, name: string): T | undefined {
  const fitting = Object.keys(table).filter((key) => name === key || name.startsWith(`${key}-`));
  const best = fitting.sort((a, b) => b.length - a.length)[0];
  return best === undefined ? undefined : table[best];
}

it("examples are found", () => expect(names.length).toBeGreaterThan(50));

describe("event examples are parsed", () => {
  it.each(of("event"))("%s", (name) => {
    const event = wire.event(read(`${name}.json`), name);
    expect(event.ev).not.toBe("unknown");
    if (event.ev === "message") expect(event.entry.kind).not.toBe("unknown");
  });
});

describe("reply examples are parsed", () => {
  it.each(of("reply"))("%s", (name) => {
    const reply = read(`${name}.json`);
    const cmd = name.replace("reply-", "");
    if ("error" in reply) expect(problem(reply["error"], name).code).toBeTruthy();
    else if (cmd === "hello") expect(wire.hello(reply["ok"], name).resume).toBeTruthy();
    else if (cmd === "accept_invite") expect(wire.conversation(reply["ok"], name).id).toBeTruthy();
    else expect(readReply({ cmd } as Command, reply["ok"])).toBeTruthy();
  });
});

describe("error examples are parsed", () => {
  it.each(of("error"))("%s", (name) => {
    expect(problem(read(`${name}.json`), name).code).toBe(name.replace("error-", ""));
  });
});

describe("answer examples are parsed", () => {
  const known = of("answer").filter((name) => longest(ANSWERS, name));
  it.each(known)("%s", (name) => {
    expect((longest(ANSWERS, name) ?? anything)(read(`${name}.json`), name)).toBeTruthy();
  });
});

describe("command examples are produced by the SDK", () => {
  it.each(of("command"))("%s", (name) => {
    const example = read(`${name}.json`);
    const { id, cmd, ...fields } = example as { id: number; cmd: string };
    const { token, resume, client } = fields as { token: string; resume: object; client: { name: string; version: string } };
    const frame = cmd === "hello" ? helloFrame(id, token, resume, client) : commandFrame(id, { cmd, ...fields } as Command);
    expect(JSON.parse(frame)).toEqual(example);
  });
});

/** Each function gets an example with one extra field, and must return the example unchanged. */
type Example = Record<string, unknown>;
const from = <T>(make: (it: T) => object) => (it: Example) => make(it as T);
const BODIES: Record<string, (it: Example) => object> = {
  "body-accept-invite": (it) => body.acceptInviteBody(it["client_id"] as string),
  "body-change-password": from(body.passwordChangeBody),
  "body-create-direct": (it) => body.directBody(it["user"] as string),
  "body-create-group": from(body.groupBody),
  "body-create-invite": from(body.inviteBody),
  "body-edit": from(body.editBody),
  "body-log-in": from(body.logInBody),
  "body-profile": from(body.profileBody),
  "body-poll": (it) => body.pollBody(it["resume"] as wire.CursorMap, it["wait_ms"] as number),
  "body-receipts": from(body.receiptBody),
  "body-refresh": (it) => body.refreshBody(it["refresh_token"] as string),
  "body-register": from(body.registrationBody),
  "body-send": from(body.sendBody),
  "body-set-member": (it) => body.memberBody(it["role"] as wire.Role),
  "body-update-conversation": (it) => body.titleBody(it["title"] as string),
};

describe("body examples are produced by the SDK", () => {
  it.each(of("body").filter((name) => longest(BODIES, name)))("%s", (name) => {
    const example = read(`${name}.json`);
    expect(longest(BODIES, name)?.({ ...example, note: "not a documented field" })).toEqual(example);
  });

  it("every body that the SDK sends has an example", () => {
    const documented = new Set(of("body").map((name) => longest(BODIES, name)));
    expect(Object.entries(BODIES).filter(([, make]) => !documented.has(make))).toEqual([]);
  });
});
