// The outbox keeps commands that make entries until their outcome is known.
//
// It sends the commands of a conversation in order, each after the answer to the previous one. Every attempt
// carries the same `client_id` and `base_seq` on any transport, so the gateway makes at most one entry.

import { patientDelayMs, SEND_BACKOFF } from "./backoff.js";
import type { Transport, EntryCommand } from "./command.js";
import { Emitter } from "./emitter.js";
import { ConfabError, isCode, isRetryable, type Problem } from "./error.js";
import { Pause } from "./pause.js";
import type { ClientSession } from "./session.js";
import type { Environment } from "./environment.js";
import type { Entry } from "./wire.js";

/** `queued` until there is an answer, then `sent` or `failed`. A failed command that the user discards is `dropped`. */
export type OutboxState = "queued" | "sent" | "failed" | "dropped";

/** A command in the outbox. It is never changed in place. */
export interface OutboxItem {
  readonly client_id: string;
  readonly conversation: string;
  readonly command: EntryCommand;
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly made_at: number;
  readonly state: OutboxState;
  /** The error, if the gateway refused the command. */
  readonly error?: ConfabError | undefined;
  /** The entry that the gateway made of it. */
  readonly entry?: Entry | undefined;
  /** False if the command could not be stored. It is lost if all tabs are closed before it is sent. */
  readonly isKept?: boolean | undefined;
  /** The command was made in another tab. */
  readonly isFromOtherTab?: boolean;
}

/** A command as it is stored. It has failed if the gateway has refused it. */
export interface StoredCommand extends Pick<OutboxItem, "command" | "made_at"> {
  readonly problem?: Problem | undefined;
}

/** A command as the tabs of a login share it. */
export interface SharedItem extends StoredCommand, Pick<OutboxItem, "state" | "entry" | "isKept"> {}

/** Storage that keeps unsent commands when the page is closed. */
export interface OutboxStore {
  load(): StoredCommand[];
  /** Fails if the storage is full or blocked. The command is then sent from memory. */
  keep(item: OutboxItem): void | Promise<void>;
  remove(client_id: string): void;
}

interface CommandQueue {
  items: OutboxItem[];
  busy: boolean;
  pause: Pause;
}

export interface OutboxEvents {
  changed: OutboxItem;
  /** A change that was made here, for the other tabs. */
  made: SharedItem;
  /** The command could not be stored. It is lost if the page is closed before it is sent. */
  unsaved: OutboxItem;
}

/** Sends the commands of each conversation in order, and keeps them until their outcome is known. */
export class Outbox extends Emitter<OutboxEvents> {
  readonly #queues = new Map<string, CommandQueue>();
  readonly #failed = new Map<string, OutboxItem>();
  readonly #unsaved = new Map<string, OutboxItem>();

  constructor(
    private readonly environment: Environment,
    private readonly transport: Transport & Pick<ClientSession, "isAttached" | "isLeading">,
    private readonly store: OutboxStore,
  ) {
    super();
  }

  /**
   * Queues the commands that an earlier page kept. The gateway detects repeats by their client ids. What it has refused
   * stays failed.
   */
  restore(): OutboxItem[] {
    const items = this.store.load().map(itemOfStored);
    items.sort((a, b) => a.made_at - b.made_at);
    items.forEach((item) => this.#put(item));
    return items;
  }

  /** The commands whose outcome is not known, and those that have failed. */
  get items(): readonly OutboxItem[] {
    return [...[...this.#queues.values()].flatMap((queue) => queue.items), ...this.#failed.values()];
  }

  shared(): SharedItem[] {
    return this.items.map(sharedOf);
  }

  /** Applies a change that was made in another tab. */
  apply(shared: SharedItem): void {
    const { state, isKept, command } = shared;
    const known = this.items.find((it) => it.client_id === command.client_id);
    const item: OutboxItem = { ...itemOfStored(shared), ...shared, isFromOtherTab: known?.isFromOtherTab ?? !known };
    if (state === "queued" && known?.state === state) return known.isKept === isKept ? undefined : this.#replace(item);
    this.#take(item);
    if (state === "queued" || state === "failed") this.#put(item);
    else this.#forget(item.client_id);
    this.emit("changed", item);
    void this.#sendQueue(item.conversation);
  }

  /** Applies the commands of the leading tab. Returns those that it does not know. */
  merge(leading: readonly SharedItem[]): SharedItem[] {
    for (const item of leading) this.apply(item);
    const known = new Set(leading.map((it) => it.command.client_id));
    return this.shared().filter((it) => !known.has(it.command.client_id));
  }

  #put(item: OutboxItem): void {
    if (item.state === "failed") this.#failed.set(item.client_id, item);
    else this.#queue(item.conversation).items.push(item);
  }

  /** Removes a command from its queue, and from those that have failed. */
  #take({ client_id, conversation }: OutboxItem): void {
    const queue = this.#queue(conversation);
    queue.items = queue.items.filter((it) => it.client_id !== client_id);
    this.#failed.delete(client_id);
  }

  /**
   * Reports a change to the other tabs, too. A new command is repeated with the earlier ones of this tab, because a tab that
   * was opened since does not know those, and must not send the new one first.
   */
  #report(item: OutboxItem): void {
    this.emit("changed", item);
    const { items } = this.#queue(item.conversation);
    const made = item.state === "queued" ? items.filter((it) => !it.isFromOtherTab) : [item];
    for (const it of made) this.emit("made", sharedOf(it));
  }

  add(command: EntryCommand): OutboxItem {
    const item = itemOf(command, this.environment.now());
    this.#put(item);
    this.#report(item);
    void this.#keep(item);
    void this.#sendQueue(item.conversation);
    return item;
  }

  /** Sends a failed command again. If its client id was used for other content, it gets a new one. */
  retry(client_id: string): void {
    const item = this.#failed.get(client_id);
    if (!item) return;
    if (item.error?.code !== "key_reused") {
      this.#failed.delete(client_id);
      this.add(item.command);
      return;
    }
    this.discard(client_id);
    this.add({ ...item.command, client_id: this.environment.newId() });
  }

  discard(client_id: string): void {
    const item = this.#failed.get(client_id);
    if (!item) return;
    this.#failed.delete(client_id);
    this.#forget(client_id);
    this.#report({ ...item, state: "dropped" });
  }

  /** Called after reconnecting. Resends the commands of all queues without waiting for their retry delays. */
  resume(): void {
    for (const [conversation, queue] of this.#queues) {
      queue.pause.wake();
      void this.#sendQueue(conversation);
    }
  }

  /**
   * Stores a command, after the earlier ones that could not be stored. Otherwise another page, which takes over what is
   * stored, could send the later ones first.
   */
  async #keep(item: OutboxItem): Promise<void> {
    this.#unsaved.set(item.client_id, item);
    try {
      for (const earlier of this.#unsaved.values()) {
        const writing = this.store.keep(earlier);
        if (writing) await writing; // a store that is done at once has the command before this returns
        if (this.#unsaved.delete(earlier.client_id)) this.#setKept(earlier, true);
        else this.store.remove(earlier.client_id); // it was sent in the meantime
      }
    } catch {
      this.#setKept(item, false);
      this.emit("unsaved", item);
    }
  }

  /** Reports if a command that waits is stored. By default it is. */
  #setKept({ client_id }: OutboxItem, isKept: boolean): void {
    const current = this.items.find((it) => it.client_id === client_id);
    if (!current || (current.isKept ?? true) === isKept) return;
    const item = { ...current, isKept };
    this.#replace(item);
    this.emit("made", sharedOf(item));
  }

  /** Replaces a command without changing its place. */
  #replace(item: OutboxItem): void {
    const queue = this.#queue(item.conversation);
    queue.items = queue.items.map((it) => (it.client_id === item.client_id ? item : it));
    if (item.state === "failed") this.#failed.set(item.client_id, item);
    this.emit("changed", item);
  }

  /** Keeps a failed message until the user discards it. A failed change, or one in a conversation that is gone, is not kept. */
  #keepFailed(item: OutboxItem): void {
    if (item.command.cmd !== "send" || isCode(item.error, "not_found")) this.#forget(item.client_id);
    else void this.#keep(item);
  }

  #forget(client_id: string): void {
    this.#unsaved.delete(client_id);
    this.store.remove(client_id);
  }

  #queue(conversation: string): CommandQueue {
    const queue = this.#queues.get(conversation) ?? { items: [], busy: false, pause: new Pause(this.environment) };
    this.#queues.set(conversation, queue);
    return queue;
  }

  async #sendQueue(conversation: string): Promise<void> {
    const queue = this.#queue(conversation);
    if (queue.busy) return;
    queue.busy = true;
    try {
      for (let failures = 0; queue.items[0] && this.transport.isAttached && this.transport.isLeading; ) {
        const delay_ms = await this.#attempt(queue.items[0], failures);
        if (delay_ms === undefined) failures = 0;
        else {
          await queue.pause.wait(delay_ms);
          failures += 1;
        }
      }
    } finally {
      queue.busy = false;
    }
  }

  /** Sends a command. Returns the delay before its next attempt, or undefined if it is sent or has failed. */
  async #attempt(item: OutboxItem, failures: number): Promise<number | undefined> {
    try {
      const { message } = await this.transport.execute(item.command);
      this.#take(item);
      this.#forget(item.client_id);
      this.#report({ ...item, state: "sent", entry: message });
    } catch (error) {
      const refusal = error instanceof ConfabError ? error : undefined;
      if (isRetryable(error)) {
        return refusal?.retryAfterMs ?? patientDelayMs(SEND_BACKOFF, failures, this.environment.random());
      }
      const failed: OutboxItem = { ...item, state: "failed", error: refusal };
      this.#take(item);
      this.#put(failed);
      this.#keepFailed(failed);
      this.#report(failed);
    }
    return undefined;
  }
}

function itemOf(command: EntryCommand, made_at: number): OutboxItem {
  const { client_id, conversation } = command;
  return { client_id, conversation, command, made_at, state: "queued" };
}

function sharedOf(item: OutboxItem): SharedItem {
  return { ...storedOf(item), state: item.state, entry: item.entry, isKept: item.isKept };
}

/** Returns the form of a command in a storage. */
export function storedOf({ command, made_at, error }: OutboxItem): StoredCommand {
  return { command, made_at, problem: error?.problem };
}

function itemOfStored({ command, made_at, problem }: StoredCommand): OutboxItem {
  const item = itemOf(command, made_at);
  return problem ? { ...item, state: "failed", error: new ConfabError(problem) } : item;
}
