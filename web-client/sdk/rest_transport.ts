// Sends commands over REST while there is no socket.

import { editBody, receiptBody, sendBody } from "./body.js";
import type { Transport, Command, EntryCommand, ReplyTo } from "./command.js";
import type { Rest } from "./rest.js";
import { anything } from "./shape.js";
import { sent, type Sent } from "./wire.js";

export class RestTransport implements Transport {
  constructor(private readonly rest: Rest) {}

  async execute<C extends Command>(command: C): Promise<ReplyTo<C>> {
    return (await this.#answer(command)) as ReplyTo<C>;
  }

  async #answer(command: Command): Promise<unknown> {
    switch (command.cmd) {
      case "send":
      case "edit":
      case "redact":
      case "react":
        return this.#write(command);
      case "receipt": {
        const path = `/v1/conversations/${command.conversation}/receipts`;
        return this.rest.call("POST", path, anything, { body: receiptBody(command) });
      }
      case "history": {
        const { cmd: _, conversation, ...query } = command;
        return this.rest.history(conversation, query);
      }
      case "watch":
        return { presence: await this.rest.presence(command.users) };
      case "typing":
      case "unwatch":
      case "away":
      case "refresh":
      case "ping":
        return {}; // ephemeral, or meaningful only on a socket
    }
  }

  #write(command: EntryCommand): Promise<Sent> {
    const messages = `/v1/conversations/${command.conversation}/messages`;
    switch (command.cmd) {
      case "send":
        return this.rest.call("POST", messages, sent, { body: sendBody(command) });
      case "edit":
        return this.rest.call("PATCH", `${messages}/${command.seq}`, sent, { body: editBody(command) });
      case "redact":
        return this.rest.call("DELETE", `${messages}/${command.seq}`, sent);
      case "react": {
        const emoji = encodeURIComponent(command.emoji);
        const path = `${messages}/${command.seq}/reactions/${emoji}`;
        return this.rest.call(command.on ? "PUT" : "DELETE", path, sent);
      }
    }
  }
}
