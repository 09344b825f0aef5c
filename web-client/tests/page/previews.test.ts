import { beforeEach, expect, it } from "vitest";
import { createReceiptQueue, type ReceiptQueue } from "../../src/components/preview_receipts";

const settle = () => new Promise((resolve) => setTimeout(resolve));
let isHidden: boolean;
let read: string[];
let finish: () => void;
let queue: ReceiptQueue;

beforeEach(() => {
  [isHidden, read] = [false, []];
  queue = createReceiptQueue((id) => {
    read.push(id);
    return new Promise<void>((resolve) => (finish = resolve));
  }, () => isHidden);
});

it("queue reads one conversation after the other, and skips those that are removed", async () => {
  for (const id of ["1", "2", "3"]) queue.add(id);
  queue.remove("2");
  expect(read).toEqual(["1"]);
  finish();
  await settle();
  expect(read).toEqual(["1", "3"]);
  finish();
  await settle();
  queue.add("1");
  expect(read).toEqual(["1", "3", "1"]);
});

it("queue reads nothing while the page is hidden, and goes on when it is shown", async () => {
  isHidden = true;
  queue.add("1");
  await settle();
  expect(read).toEqual([]);
  isHidden = false;
  queue.resume();
  expect(read).toEqual(["1"]);
});
