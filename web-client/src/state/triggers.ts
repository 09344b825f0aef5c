// Signals without a value, by key. One exists only while something reads it, however many keys were read before.

import { createSignal, getListener, onCleanup } from "solid-js";

export interface Triggers {
  /** Lets the current computation run again when the key is fired. */
  track(key: string): void;
  fire(key: string): void;
  /** Returns the number of keys that something reads. */
  size(): number;
}

export function createTriggers(): Triggers {
  const signals = new Map<string, { read: () => void; fire: () => void; readers: number }>();
  return {
    track(key) {
      if (!getListener()) return;
      const [read, fire] = createSignal(undefined, { equals: false });
      const signal = signals.get(key) ?? { read, fire, readers: 0 };
      signals.set(key, signal);
      signal.readers += 1;
      onCleanup(() => (signal.readers -= 1) || signals.delete(key));
      signal.read();
    },
    fire: (key) => signals.get(key)?.fire(),
    size: () => signals.size,
  };
}
