// Reads the receipts that the list shows: one conversation after the other, and none while the page is hidden.

export interface ReceiptQueue {
  add(id: string): void;
  remove(id: string): void;
  /** Continues after the page was hidden. */
  resume(): void;
}

export function createReceiptQueue(read: (id: string) => Promise<unknown>, isHidden: () => boolean): ReceiptQueue {
  const waiting = new Set<string>();
  let isReading = false;

  async function readAll(): Promise<void> {
    if (isReading) return;
    isReading = true;
    for (const id of waiting) {
      if (isHidden()) break;
      waiting.delete(id);
      await read(id);
    }
    isReading = false;
  }

  return {
    add(id) {
      waiting.add(id);
      void readAll();
    },
    remove: (id) => void waiting.delete(id),
    resume: () => void readAll(),
  };
}
