// Keeps sdk/wire.generated.ts as the gateway's own descriptions say. `cargo xtask describe` writes it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "json-schema-to-typescript";
import { expect, it } from "vitest";

type Json = Record<string, unknown>;
type Components = { schemas: Json; messages?: Record<string, { payload: Json }> };

const components = (file: string) =>
  (JSON.parse(readFileSync(join(import.meta.dirname, "../../docs", file), "utf8")) as { components: Components }).components;

const typeName = (message: string) => message.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Returns all shapes by name: those of calls and events, and of the frames of clients. */
function definitions(): Json {
  const [calls, frames] = [components("openapi.json"), components("asyncapi.json")];
  const shapes = { ...calls.schemas, ...frames.schemas };
  for (const [name, { payload }] of Object.entries(frames.messages ?? {})) {
    if (/_reply$|_event$|^refused$/.test(name)) shapes[typeName(name)] = payload;
    else if (!("$ref" in payload)) shapes[typeName(`${name}_command`)] = payload;
  }
  // Without the descriptions, which only the documents need.
  const json = JSON.stringify(shapes, (key, value: unknown) => (key === "description" && typeof value === "string" ? undefined : value));
  return JSON.parse(json.replaceAll("#/components/schemas/", "#/definitions/")) as Json;
}

async function types(): Promise<string> {
  const text = await compile({ type: "object", definitions: definitions() } as object, "Wire", {
    additionalProperties: false,
    bannerComment: "// The JSON of the protocol, generated from docs/openapi.json and docs/asyncapi.json: see tests/wire.test.ts.\n",
    style: { printWidth: 140 },
    unreachableDefinitions: true,
  });
  // The root has no members, and each type's place among the definitions is its name.
  return text.replace(/\/\*\*\n \* This interface was referenced by[^/]*\*\/\n/g, "").replace(/export (interface Wire|type Wire =) \{\}\n/, "");
}

it("generated types are those of the documents", async () => {
  await expect(await types()).toMatchFileSnapshot("../sdk/wire.generated.ts");
});
