// Sends receipts: how far this user has got in each conversation.
//
// A receipt is a pair of cursors that only move forward, so the newest pair replaces all earlier ones. The
// first one is sent after a short delay, and later ones at most once a second. A failed one is sent again.

import type { Transport } from "./command.js";
import type { Environment } from "./environment.js";
import { ConfabError } from "./error.js";

export const RECEIPT_DELAY_MS = 150;
export const RECEIPT_INTERVAL_MS = 1_000;

interface CursorPair {
  delivered_seq: number;
  read_seq: number;
}

const ZERO: CursorPair = { delivered_seq: 0, read_seq: 0 };

export class Receipts {
  readonly #targets = new Map<string, CursorPair>();
  readonly #sent = new Map<string, CursorPair>();
  #cancelTimer: (() => void) | undefined;
  #isThrottled = false;

  constructor(
    private readonly transport: Transport & { readonly isAttached: boolean },
    private readonly environment: Environment,
  ) {}

  /** Records the cursors that the gateway already has. */
  setKnown(conversation: string, cursors: CursorPair): void {
    this.#sent.set(conversation, furthest(this.#sent.get(conversation) ?? ZERO, cursors));
  }

  delivered(conversation: string, seq: number): void {
    this.#raise(conversation, { delivered_seq: seq, read_seq: 0 });
  }

  read(conversation: string, seq: number): void {
    this.#raise(conversation, { delivered_seq: seq, read_seq: seq });
  }

  forget(conversation: string): void {
    this.#targets.delete(conversation);
    this.#sent.delete(conversation);
  }

  /** Sends all pending receipts. Called by the timer and after reconnecting. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (!this.transport.isAttached) return;
    this.#throttle();
    for (const [conversation, target] of this.#targets) {
      const sent = this.#sent.get(conversation) ?? ZERO;
      if (isAhead(target, sent)) void this.#send(conversation, target, sent);
    }
  }

  #raise(conversation: string, cursors: CursorPair): void {
    const target = furthest(this.#targets.get(conversation) ?? ZERO, cursors);
    this.#targets.set(conversation, target);
    if (!isAhead(target, this.#sent.get(conversation) ?? ZERO)) return;
    if (!this.#isThrottled) this.#cancelTimer ??= this.environment.after(RECEIPT_DELAY_MS, () => this.flush());
  }

  #throttle(): void {
    if (this.#isThrottled) return;
    this.#isThrottled = true;
    this.environment.after(RECEIPT_INTERVAL_MS, () => {
      this.#isThrottled = false;
      if (this.#hasPending()) this.flush();
    });
  }

  #hasPending(): boolean {
    return [...this.#targets].some(([conversation, target]) => isAhead(target, this.#sent.get(conversation) ?? ZERO));
  }

  async #send(conversation: string, target: CursorPair, sent: CursorPair): Promise<void> {
    this.#sent.set(conversation, furthest(sent, target));
    const read = target.read_seq > sent.read_seq ? { read_seq: target.read_seq } : {};
    const isImplied = target.delivered_seq <= (read.read_seq ?? 0);
    const delivered = isImplied ? {} : { delivered_seq: target.delivered_seq };
    try {
      await this.transport.execute({ cmd: "receipt", conversation, ...delivered, ...read });
    } catch (error) {
      if (error instanceof ConfabError && !error.retryable) return;
      this.#sent.set(conversation, sent);
    }
  }
}

function isAhead(target: CursorPair, sent: CursorPair): boolean {
  return target.delivered_seq > sent.delivered_seq || target.read_seq > sent.read_seq;
}

function furthest(a: CursorPair, b: CursorPair): CursorPair {
  const read_seq = Math.max(a.read_seq, b.read_seq);
  return { delivered_seq: Math.max(a.delivered_seq, b.delivered_seq, read_seq), read_seq };
}
