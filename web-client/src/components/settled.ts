// Values that seldom change, calculated from lists that often do.

import { type Accessor, createComputed, createSignal } from "solid-js";

/**
 * Like a memo. When what it depends on changes, a memo first visits everything that reads it, to mark it as possibly out
 * of date. Here nothing is visited unless the value itself has changed.
 */
export function createSettled<T>(value: () => T): Accessor<T> {
  const [settled, settle] = createSignal<T>();
  createComputed(() => settle(value));
  return settled as Accessor<T>;
}
