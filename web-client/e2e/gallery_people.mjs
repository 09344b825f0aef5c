// The people in the screenshots, and what they have written to Ada.

import { RestUser } from "./rest.mjs";

const NAMES = ["Grace Hopper", "Mary Somerville", "Annie Easley", "Charles Babbage", "Katherine Johnson"];
const CODE = "It did, and *without a bug*. This is what it prints:\n```rust\nfor n in 1..=3 {\n    println!(\"{n}² = {}\", n * n);\n}\n```";

/** Registers everybody, and writes what they say. Returns Ada, who has the page. */
export async function galleryPeople(base) {
  const run = Date.now().toString(36);
  const ada = await RestUser.register(base, `ada-${run}`, "Ada Byron");
  const others = [];
  for (const name of NAMES) others.push(await RestUser.register(base, `${name.split(" ")[0].toLowerCase()}-${run}`, name));
  const [grace, mary, annie, charles, katherine] = others;
  const directs = new Map();
  for (const other of others) {
    const id = await ada.openDirect(other);
    await other.accept(id);
    directs.set(other, id);
  }
  await katherine.send(directs.get(katherine), "The numbers are right. I checked them twice.");
  await ada.read(directs.get(katherine));
  await ada.send(directs.get(charles), "Have the gears arrived?");
  await charles.read(directs.get(charles));
  const club = await mary.openGroup("Book club", [ada, annie]);
  await mary.send(club, "Chapter three for Thursday?");
  await annie.send(club, "I am still in chapter one 😅");
  await directTalk(directs.get(grace), ada, grace);
  const group = await groupTalk(ada, [grace, mary, annie, charles]);
  await annie.send(directs.get(annie), "Lunch at noon?");
  return { ada, grace, group };
}

async function directTalk(id, ada, grace) {
  const question = await ada.send(id, "Did the analytical engine finish?");
  await grace.send(id, CODE);
  await grace.react(id, question, "❤️");
  await ada.send(id, "**Lovely.** Next on the list:\n- the difference engine\n- tea");
  const tea = await grace.send(id, "Tea first");
  await ada.send(id, "Agreed. Darjeeling?", { reply_to: tea });
  await grace.send(id, "Put the kettle on, I am in the hall. The notes are at https://example.org/engine");
  await ada.read(id);
}

async function groupTalk(ada, [grace, mary, annie, charles]) {
  const group = await ada.openGroup("Engine room", [grace, mary, annie, charles]);
  await charles.send(group, "The second column slips when it carries.");
  const idea = await mary.send(group, "Could a stronger spring hold it?");
  await grace.send(group, "Or a smaller tooth. I can draw it tonight.", { reply_to: idea });
  const done = await ada.send(group, "Yes please, and I will write down **what it should do**.");
  for (const reader of [grace, mary, charles]) await reader.react(group, done, "👍");
  await annie.react(group, done, "🎉");
  await annie.send(group, "I am in town on Friday if four hands help.");
  await ada.read(group);
  return group;
}
