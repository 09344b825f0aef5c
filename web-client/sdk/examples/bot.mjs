// A bot that answers each message with an echo: node bot.mjs URL USERNAME PASSWORD
import { createConfab } from "@confab/client";
import { fileStore } from "@confab/client/node";

const [url, username, password] = process.argv.slice(2);
const store = fileStore(`${username}.json`); // keeps the login and unsent answers
const confab = createConfab({ url, auth: { username, password, device: "bot" }, store });
confab.on("state", (state) => console.log("state", state.name));
const me = await confab.me();

const rooms = new Set();
async function join({ id }) {
  if (rooms.has(id)) return;
  rooms.add(id);
  const room = await confab.conversation(id);
  room.on("message", async (message) => {
    if (message.sender === me.id || message.isRedacted) return;
    room.read();
    const sent = await room.send(`You said: ${message.text}`, { reply_to: message.seq });
    console.log("answered", message.seq, "with", sent.seq);
  });
}

confab.on("conversation", (conversation) => join(conversation).catch(console.error));
for await (const conversation of confab.conversations()) await join(conversation);
console.log("ready");
process.once("SIGTERM", () => confab.close());
