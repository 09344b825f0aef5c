// Combines the commands of several tabs into those of one device.
//
// A user stays watched while any tab watches them. The device is away while all of its tabs are. A receipt that another
// tab has sent already is not sent again.

import type { Command, ReceiptCommand, ReplyTo, Transport } from "./command.js";
import type { Environment } from "./environment.js";

/** A tab that said nothing for this long has probably crashed. Browsers let hidden tabs run once a minute. */
const SILENT_MAX_MS = 90_000;

interface Tab {
  heardAt: number;
  isAway: boolean;
  watched: Set<string>;
}

export class TabCommands {
  readonly #tabs = new Map<string, Tab>();
  readonly #receipts = new Map<string, string>();

  constructor(
    private readonly environment: Environment,
    private readonly transport: Transport,
  ) {}

  /** Records that a tab lives. */
  hear(name: string): Tab {
    const tab = this.#tabs.get(name) ?? { heardAt: 0, isAway: false, watched: new Set() };
    this.#tabs.set(name, tab);
    tab.heardAt = this.environment.now();
    return tab;
  }

  /** Forgets a tab that was closed. */
  forget(name: string): void {
    const users = [...this.hear(name).watched];
    this.execute(name, { cmd: "unwatch", users }).catch(() => undefined);
    this.#tabs.delete(name);
  }

  async execute<C extends Command>(name: string, command: C): Promise<ReplyTo<C>> {
    const tab = this.hear(name);
    switch (command.cmd) {
      case "watch":
        for (const user of command.users) tab.watched.add(user);
        break;
      case "unwatch": {
        for (const user of command.users) tab.watched.delete(user);
        const users = command.users.filter((user) => ![...this.#tabs.values()].some(({ watched }) => watched.has(user)));
        return users.length > 0 ? this.transport.execute({ ...command, users }) : none();
      }
      case "away":
        tab.isAway = command.on;
        if (command.on && !this.#areAllAway()) return none();
        break;
      case "receipt":
        return this.#sendReceipt(command) as Promise<ReplyTo<C>>;
    }
    return this.transport.execute(command);
  }

  #areAllAway(): boolean {
    const since = this.environment.now() - SILENT_MAX_MS;
    return [...this.#tabs.values()].every(({ isAway, heardAt }) => isAway || heardAt < since);
  }

  async #sendReceipt(command: ReceiptCommand): Promise<object> {
    const text = JSON.stringify(command);
    if (this.#receipts.get(command.conversation) === text) return {};
    await this.transport.execute(command);
    this.#receipts.set(command.conversation, text);
    return {};
  }
}

const none = async <C extends Command>(): Promise<ReplyTo<C>> => ({}) as ReplyTo<C>;
