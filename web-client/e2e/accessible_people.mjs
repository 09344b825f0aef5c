// The people of the accessibility scenario, and what they have written, so that each screen has something to show.

import { sendFiles } from "./accessible_files.mjs";
import { RestUser } from "./rest.mjs";

const CODE = "**Release notes**\n> *Fast*, they said\n\n- one\n- two\n\n```rust\nfn main() {\n    println!(\"hi\");\n}\n```";
const MEMBERS = 9;
const MANY = 80;
let runs = 0;

/** Registers the other members of a large group. */
export function crowd(base) {
  const names = Array.from({ length: MEMBERS }, (_, at) => `Member ${at}`);
  return Promise.all(names.map((name, at) => RestUser.register(base, `m${at}-${Date.now().toString(36)}`, name)));
}

/** Registers everybody else. Ada looks at the page, and the others have written to her. */
export async function people(base, many, made) {
  const run = `${Date.now().toString(36)}-${(runs += 1)}`;
  const register = (name, display_name) => RestUser.register(base, `${name}-${run}`, display_name);
  const [ada, grace, hal, rex, ivy, noa, fay] = await Promise.all([
    register("ada", "Ada Byron"), register("grace", "Grace Hopper"), register("hal", "Hal West"), register("rex", "Rex Stone"),
    register("ivy", "שלום כהן"), register("noa", "Noa New"), register("fay", "Fay Files"),
  ]);
  await talk(ada, grace);
  await sendFiles(fay, ada, made);
  await ada.send(await ada.openDirect(hal), "Hello Hal");
  await ada.block(hal);
  await ada.openDirect(rex);
  await rex.block(ada);
  await ivy.send(await ivy.openDirect(ada), "Hello, we met at the lake");
  await ivy.openGroup("Raffle", [ada]);
  const group = await largeGroup(ada, grace, many);
  const unread = await grace.openGroup("Book club", [ada]);
  for (const text of ["Who has read it?", "All of it?"]) await grace.send(unread, text);
  const { code } = await ada.call("POST", `/v1/conversations/${group}/invites`, {});
  return { invite: `/i/${code}`, ada, grace, hal, rex, ivy, noa, fay, group, unread };
}

/** Grace and Ada have written messages of each kind. */
async function talk(ada, grace) {
  const id = await ada.openDirect(grace);
  await grace.accept(id);
  const first = await ada.send(id, "Did the analytical engine finish?");
  await grace.send(id, "It did, see https://example.org/engine", { reply_to: first });
  await grace.send(id, CODE);
  await grace.send(id, "🎉");
  await ada.edit(id, await ada.send(id, "Lovly"), "Lovely");
  await ada.redact(id, await ada.send(id, "Oh no"));
  await ada.send(id, "word ".repeat(900));
  const last = await grace.send(id, "Tea first");
  await ada.react(id, last, "❤️");
  await grace.react(id, last, "👍");
  await ada.send(id, "A pot of Darjeeling");
}

/** A group with many members and messages. */
async function largeGroup(ada, grace, many) {
  const group = await ada.openGroup("Engine room", [grace, ...many]);
  for (let at = 0; at < MANY; at += 1) await (at % 3 === 0 ? ada : grace).send(group, `Line ${at}`);
  return group;
}
