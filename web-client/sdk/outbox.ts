// The outbox: commands that make entries, kept until their fate is known.
//
// One conversation's commands go one after the other, in the order in which they were made: the next
// waits for the answer to the one before. Each attempt carries the same `client_id` and `base_seq`,
// over whichever transport there is, so that the gateway makes at most one entry of them.

import { patientDelayMs, SEND_BACKOFF } from "./backoff";
import type { Carrier, EntryCommand } from "./command";
import { Emitter } from "./emitter";
import { ConfabError, isCode, mayRetry } from "./error";
import { Pause } from "./pause";
import type { Surroundings } from "./surroundings";
import type { Entry } from "./wire";

export type OutboxState = "queued" | "sent" | "failed" | "dropped";

export interface OutboxItem {
  readonly client_id: string;
  readonly conversation: string;
  readonly command: EntryCommand;
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly made_at: number;
  readonly state: OutboxState;
  /** Why it failed, in the gateway's words. */
  readonly error?: ConfabError;
  /** What the gateway made of it. */
  readonly entry?: Entry;
}

/** Where unsent commands outlive the page. */
export interface OutboxStore {
  load(): Pick<OutboxItem, "command" | "made_at">[];
  keep(item: OutboxItem): void;
  remove(client_id: string): void;
}

interface Lane {
  items: OutboxItem[];
  busy: boolean;
  pause: Pause;
}

export class Outbox extends Emitter<{ changed: OutboxItem }> {
  private readonly lanes = new Map<string, Lane>();
  private readonly failed = new Map<string, OutboxItem>();

  constructor(
    private readonly surroundings: Surroundings,
    private readonly carrier: Carrier & { readonly isAttached: boolean },
    private readonly store: OutboxStore,
  ) {
    super();
  }

  /** Takes up what an earlier page left; the repeats are recognised by their client ids. */
  restore(): OutboxItem[] {
    const items = this.store.load().map(({ command, made_at }) => itemOf(command, made_at));
    items.sort((a, b) => a.made_at - b.made_at);
    for (const item of items) this.lane(item.conversation).items.push(item);
    return items;
  }

  add(command: EntryCommand): OutboxItem {
    const item = itemOf(command, this.surroundings.now());
    this.lane(item.conversation).items.push(item);
    this.store.keep(item);
    this.emit("changed", item);
    void this.pump(item.conversation);
    return item;
  }

  /** The same command once more; under a new name where the old one stands for other content. */
  retry(client_id: string): void {
    const item = this.failed.get(client_id);
    if (!item) return;
    if (item.error?.code !== "key_reused") {
      this.failed.delete(client_id);
      this.add(item.command);
      return;
    }
    this.discard(client_id);
    this.add({ ...item.command, client_id: this.surroundings.freshId() });
  }

  discard(client_id: string): void {
    const item = this.failed.get(client_id);
    if (!item) return;
    this.failed.delete(client_id);
    this.store.remove(client_id);
    this.emit("changed", { ...item, state: "dropped" });
  }

  /** A way to the gateway is open: go on with all lanes, without waiting out their delays. */
  resume(): void {
    for (const [conversation, lane] of this.lanes) {
      lane.pause.wake();
      void this.pump(conversation);
    }
  }

  private lane(conversation: string): Lane {
    const lane = this.lanes.get(conversation) ?? { items: [], busy: false, pause: new Pause() };
    this.lanes.set(conversation, lane);
    return lane;
  }

  private async pump(conversation: string): Promise<void> {
    const lane = this.lane(conversation);
    if (lane.busy) return;
    lane.busy = true;
    try {
      for (let failures = 0; lane.items[0] && this.carrier.isAttached; ) {
        const outcome = await this.attempt(lane.items[0]);
        if (outcome === "done") {
          lane.items.shift();
          failures = 0;
        } else {
          await lane.pause.wait(outcome.after_ms ?? this.delay(failures));
          failures += 1;
        }
      }
    } finally {
      lane.busy = false;
    }
  }

  private delay(failures: number): number {
    return patientDelayMs(SEND_BACKOFF, failures, this.surroundings.chance());
  }

  private async attempt(item: OutboxItem): Promise<"done" | { after_ms?: number }> {
    try {
      const { message } = await this.carrier.execute(item.command);
      this.store.remove(item.client_id);
      this.emit("changed", { ...item, state: "sent", entry: message });
      return "done";
    } catch (error) {
      if (mayRetry(error)) return afterOf(error);
      this.fail(item, error);
      return "done";
    }
  }

  private fail(item: OutboxItem, error: unknown): void {
    const failed: OutboxItem = { ...item, state: "failed", ...(error instanceof ConfabError ? { error } : {}) };
    if (isCode(error, "not_found", "forbidden")) this.store.remove(item.client_id);
    this.failed.set(item.client_id, failed);
    this.emit("changed", failed);
  }
}

function afterOf(error: unknown): { after_ms?: number } {
  const after_ms = error instanceof ConfabError ? error.retryAfterMs : undefined;
  return after_ms === undefined ? {} : { after_ms };
}

function itemOf(command: EntryCommand, made_at: number): OutboxItem {
  const { client_id, conversation } = command;
  return { client_id, conversation, command, made_at, state: "queued" };
}
