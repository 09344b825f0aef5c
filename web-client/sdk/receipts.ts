// Receipts: how far this user has got in each conversation, told to the gateway.
//
// They are cursors that only move forward, so the newest pair stands for all before it: the first is
// told soon, those of the next second together, and what could not be told is told later.

import type { Carrier } from "./command";
import { ConfabError } from "./error";

export const RECEIPT_SOON_MS = 150;
export const RECEIPT_EVERY_MS = 1_000;

interface Marks {
  delivered_seq: number;
  read_seq: number;
}

const NONE: Marks = { delivered_seq: 0, read_seq: 0 };

export class Receipts {
  private readonly wanted = new Map<string, Marks>();
  private readonly told = new Map<string, Marks>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isResting = false;

  constructor(private readonly carrier: Carrier & { readonly isAttached: boolean }) {}

  /** What the gateway already knows, so that it is not told again. */
  known(conversation: string, marks: Marks): void {
    this.told.set(conversation, forward(this.told.get(conversation) ?? NONE, marks));
  }

  delivered(conversation: string, seq: number): void {
    this.want(conversation, { delivered_seq: seq, read_seq: 0 });
  }

  read(conversation: string, seq: number): void {
    this.want(conversation, { delivered_seq: seq, read_seq: seq });
  }

  forget(conversation: string): void {
    this.wanted.delete(conversation);
    this.told.delete(conversation);
  }

  /** Tells what is open; called when a way to the gateway opens, and by the timer. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.carrier.isAttached) return;
    this.rest();
    for (const [conversation, wanted] of this.wanted) {
      const told = this.told.get(conversation) ?? NONE;
      if (isBeyond(wanted, told)) void this.tell(conversation, wanted, told);
    }
  }

  private want(conversation: string, marks: Marks): void {
    const wanted = forward(this.wanted.get(conversation) ?? NONE, marks);
    this.wanted.set(conversation, wanted);
    if (!isBeyond(wanted, this.told.get(conversation) ?? NONE)) return;
    if (!this.isResting) this.timer ??= setTimeout(() => this.flush(), RECEIPT_SOON_MS);
  }

  private rest(): void {
    if (this.isResting) return;
    this.isResting = true;
    setTimeout(() => {
      this.isResting = false;
      if (this.hasNews()) this.flush();
    }, RECEIPT_EVERY_MS);
  }

  private hasNews(): boolean {
    return [...this.wanted].some(([conversation, wanted]) => isBeyond(wanted, this.told.get(conversation) ?? NONE));
  }

  private async tell(conversation: string, wanted: Marks, told: Marks): Promise<void> {
    this.told.set(conversation, forward(told, wanted));
    const moved = wanted.read_seq > told.read_seq ? { read_seq: wanted.read_seq } : {};
    const isLifted = wanted.delivered_seq <= (moved.read_seq ?? 0);
    const delivered = isLifted ? {} : { delivered_seq: wanted.delivered_seq };
    try {
      await this.carrier.execute({ cmd: "receipt", conversation, ...delivered, ...moved });
    } catch (error) {
      if (error instanceof ConfabError && !error.retryable) return;
      this.told.set(conversation, told);
    }
  }
}

function isBeyond(wanted: Marks, told: Marks): boolean {
  return wanted.delivered_seq > told.delivered_seq || wanted.read_seq > told.read_seq;
}

function forward(a: Marks, b: Marks): Marks {
  const read_seq = Math.max(a.read_seq, b.read_seq);
  return { delivered_seq: Math.max(a.delivered_seq, b.delivered_seq, read_seq), read_seq };
}
