// Checks the documented examples and the AsyncAPI document against the schemas that the gateway serves.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import specs from "@asyncapi/specs";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";

type Json = Record<string, unknown>;

const DOCS = join(import.meta.dirname, "../../docs");
const read = (path: string) => JSON.parse(readFileSync(join(DOCS, path), "utf8")) as Json;
const openapi = read("openapi.json");
const asyncapi = read("asyncapi.json");
const examples = readdirSync(join(DOCS, "protocol")).map((file) => file.replace(/\.json$/, ""));
const of = (kind: string) => examples.filter((name) => name.startsWith(`${kind}-`));

// OpenAPI 3.1 is JSON Schema 2020-12 and AsyncAPI 3.0 is draft 7. Formats such as int64 are not theirs.
const options = { strict: false, validateFormats: false, allErrors: true };
const calls = new Ajv2020(options).addSchema(openapi, "openapi");
const frames = new Ajv(options).addSchema(asyncapi, "asyncapi");

/** Returns what is wrong with an example, or null. */
function fault(ajv: Ajv | Ajv2020, pointer: string, example: unknown): string | null {
  const validate = ajv.getSchema(pointer);
  if (!validate) return `${pointer} does not exist`;
  return validate(example) ? null : ajv.errorsText(validate.errors);
}

const messageFault = (message: string, example: unknown) =>
  fault(frames, `asyncapi#/components/messages/${message}/payload`, example);

it("the AsyncAPI document follows the official schema of its version", () => {
  const official = specs.schemas["3.0.0" as keyof typeof specs.schemas];
  // The official schema has its own copy of draft 7.
  const validate = new Ajv({ ...options, meta: false, validateSchema: false, allErrors: false }).compile(official);
  expect(validate(asyncapi) ? null : validate.errors).toBeNull();
  expect(validate({ ...asyncapi, channels: [] })).toBe(false);
});

describe("command examples fit their message", () => {
  it.each(of("command"))("%s", (name) => {
    const example = read(`protocol/${name}.json`);
    const message = String(example["cmd"]);
    expect(messageFault(message, example)).toBeNull();
    expect(messageFault(message, { ...example, unknown: 1 })).toContain("additional properties");
    expect(messageFault(message, { ...example, id: "1" })).toContain("id");
  });
});

describe("reply examples fit their message", () => {
  it.each(of("reply"))("%s", (name) => {
    const example = read(`protocol/${name}.json`);
    const message = "error" in example ? "refused" : `${name.slice("reply-".length)}_reply`;
    expect(messageFault(message, example)).toBeNull();
    expect(messageFault(message, { ...example, re: "1" })).toContain("re");
  });
});

describe("event examples fit their message and no other", () => {
  const events = Object.keys((asyncapi["components"] as { messages: Json }).messages).filter((name) => name.endsWith("_event"));
  it.each(of("event"))("%s", (name) => {
    const example = read(`protocol/${name}.json`);
    const fitting = events.filter((event) => messageFault(event, example) === null);
    expect(fitting).toEqual([`${String(example["ev"])}_event`]);
  });
});

/** The shape of each body and answer in openapi.json. The longest name that an example begins with counts. */
const SHAPES: Record<string, string> = {
  "answer-attachment": "Attachment",
  "answer-blocks": "Items_Id",
  "answer-conversation": "ConversationJson",
  "answer-conversations": "ConversationsPage",
  "answer-file-link": "FileLink",
  "answer-history": "History",
  "answer-invite": "InviteJson",
  "answer-invite-preview": "InvitePreviewJson",
  "answer-invites": "Items_InviteJson",
  "answer-logged-in": "LoggedIn",
  "answer-me": "MeJson",
  "answer-member": "MemberJson",
  "answer-members": "Paged_MemberJson",
  "answer-poll": "Polled",
  "answer-presence": "Items_PresenceJson",
  "answer-refreshed": "Refreshed",
  "answer-registered": "LoggedIn",
  "answer-search": "FoundPage",
  "answer-sent": "Sent",
  "answer-sessions": "Items_LoginJson",
  "answer-users": "Items_UserJson",
  "body-accept-invite": "AcceptInvite",
  "body-change-password": "ChangePassword",
  "body-create": "CreateConversation",
  "body-create-invite": "CreateInvite",
  "body-edit": "Edit",
  "body-log-in": "LogIn",
  "body-poll": "Poll",
  "body-profile": "Profile",
  "body-receipts": "Receipts",
  "body-refresh": "Refresh",
  "body-register": "Register",
  "body-send": "Send",
  "body-set-member": "SetMember",
  "body-update-conversation": "UpdateConversation",
};

const shapes = Object.keys(SHAPES).sort((a, b) => b.length - a.length);
const shapeFault = (name: string, example: Json) => {
  const shape = shapes.find((one) => name === one || name.startsWith(`${one}-`));
  return fault(calls, `openapi#/components/schemas/${SHAPES[shape ?? name] ?? name}`, example);
};

describe("answer examples fit their shape", () => {
  it.each(of("answer"))("%s", (name) => {
    const example = read(`protocol/${name}.json`);
    expect(shapeFault(name, example)).toBeNull();
    expect(shapeFault(name, {})).toContain("required");
  });
});

describe("body examples fit their shape", () => {
  it.each(of("body"))("%s", (name) => {
    const example = read(`protocol/${name}.json`);
    expect(shapeFault(name, example)).toBeNull();
    expect(shapeFault(name, { ...example, unknown: 1 })).toContain("additional properties");
  });
});

it.each(of("error"))("%s fits the problem of calls", (name) => {
  expect(fault(calls, "openapi#/components/schemas/Problem", read(`protocol/${name}.json`))).toBeNull();
});
