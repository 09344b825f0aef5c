// A typed event emitter. A listener that throws does not keep the others from their events.

/** A function that is called with each event of a name. */
export type Listener<T> = (value: T) => void;

/** Reports an error like an uncaught one: `reportError` exists in browsers, but not in Node. */
function report(error: unknown): void {
  if (typeof reportError === "function") return reportError(error);
  queueMicrotask(() => {
    throw error;
  });
}

/** Reports events to listeners. A listener that throws does not keep the others from their events. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Adds a listener, and returns a function that removes it. */
  on<K extends keyof Events>(name: K, listener: Listener<Events[K]>): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener as Listener<never>);
    return () => set.delete(listener as Listener<never>);
  }

  /** Emits events of another emitter, too. */
  protected relay<K extends keyof Events>(from: { on(name: NoInfer<K>, listener: (value: Events[NoInfer<K>]) => void): unknown }, ...names: K[]): void {
    for (const name of names) from.on(name, (value) => this.emit(name, value));
  }

  emit<K extends keyof Events>(name: K, value: Events[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as Listener<Events[K]>)(value);
      } catch (error) {
        report(error);
      }
    }
  }
}
