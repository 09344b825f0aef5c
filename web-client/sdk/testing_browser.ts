// A fake browser, for tests with several tabs. A tab can be frozen, so that nothing runs in it, and killed.

import type { ChannelLike, Environment, LocksLike, SocketLike } from "./environment.js";

type Connection = Pick<Environment, "fetch" | "openSocket">;
type LockOptions = Parameters<LocksLike["request"]>[1];

interface LockRequest {
  tab: FakeTab;
  grant(): void;
  fail(): void;
}

/** The locks of an origin. Each is held by one tab, and the others wait in order. */
class FakeLocks {
  private readonly waiting = new Map<string, LockRequest[]>();

  request(tab: FakeTab, name: string, { signal, steal = false }: LockOptions, work: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const request: LockRequest = {
        tab,
        grant: () => tab.run(() => void work().then(resolve, reject).finally(() => this.release(name, request))),
        fail: () => tab.run(() => reject(new DOMException("the lock is gone", "AbortError"))),
      };
      signal?.addEventListener("abort", () => {
        if (this.queue(name).indexOf(request) <= 0) return; // it is held, or was released
        this.release(name, request);
        request.fail();
      });
      this.add(name, request, steal);
    });
  }

  /** Releases everything that a killed tab holds or waits for. */
  releaseAll(tab: FakeTab): void {
    for (const [name, requests] of this.waiting) {
      for (const request of requests.toReversed()) if (request.tab === tab) this.release(name, request);
    }
  }

  private queue(name: string): LockRequest[] {
    const queue = this.waiting.get(name) ?? [];
    this.waiting.set(name, queue);
    return queue;
  }

  private add(name: string, request: LockRequest, steal: boolean): void {
    const queue = this.queue(name);
    if (steal) queue.shift()?.fail();
    if (steal) queue.unshift(request);
    else queue.push(request);
    if (queue[0] === request) queueMicrotask(request.grant);
  }

  private release(name: string, request: LockRequest): void {
    const queue = this.queue(name);
    const at = queue.indexOf(request);
    if (at < 0) return;
    queue.splice(at, 1);
    if (at === 0 && queue[0]) queueMicrotask(queue[0].grant);
  }
}

/** A tab of a fake browser. */
export class FakeTab {
  private isFrozen = false;
  private isKilled = false;
  private late: (() => void)[] = [];
  private readonly sockets = new Set<SocketLike>();
  private readonly channels = new Set<ChannelLike>();

  constructor(
    private readonly connection: Connection,
    private readonly locks: FakeLocks,
    private readonly join: (tab: FakeTab, name: string) => ChannelLike,
  ) {}

  /** The parts of an environment that this tab replaces. */
  get environment(): Connection & Pick<Environment, "after" | "locks" | "openChannel"> {
    return {
      fetch: (url, init) => this.fetch(url, init),
      openSocket: (url, subprotocol) => this.openSocket(url, subprotocol),
      after: (ms, work) => {
        const timer = setTimeout(() => this.run(work), ms);
        return () => clearTimeout(timer);
      },
      locks: { request: (name, options, work) => this.locks.request(this, name, options, work) },
      openChannel: (name) => {
        const channel = this.join(this, name);
        this.channels.add(channel);
        return channel;
      },
    };
  }

  /** Runs work of this tab: now, after it is thawed, or never. */
  run(work: () => void): void {
    if (this.isFrozen) this.late.push(work);
    else if (!this.isKilled) work();
  }

  /** Nothing runs in this tab until `thaw`. Its connection and its locks stay open. */
  freeze(): void {
    this.isFrozen = true;
  }

  thaw(): void {
    this.isFrozen = false;
    for (const work of this.late.splice(0)) this.run(work);
  }

  /** Ends this tab at once, as when its process crashes. */
  kill(): void {
    this.isFrozen = false;
    this.isKilled = true;
    for (const socket of this.sockets) socket.close();
    for (const channel of this.channels) channel.close();
    this.locks.releaseAll(this);
  }

  private fetch(url: string, init: RequestInit): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.connection.fetch(url, init).then((it) => this.run(() => resolve(it)), (error: unknown) => this.run(() => reject(error)));
    });
  }

  private openSocket(url: string, subprotocol: string): SocketLike {
    const inner = this.connection.openSocket(url, subprotocol);
    const socket: SocketLike = { onopen: null, onmessage: null, onclose: null, send: (frame) => inner.send(frame), close: () => inner.close() };
    inner.onopen = () => this.run(() => socket.onopen?.());
    inner.onmessage = (message) => this.run(() => socket.onmessage?.(message));
    inner.onclose = (close) => this.run(() => socket.onclose?.(close));
    this.sockets.add(inner);
    return socket;
  }
}

/** A browser whose tabs share locks and channels, as those of one origin do. */
export class FakeBrowser {
  private readonly locks = new FakeLocks();
  private readonly channels = new Map<string, Set<{ tab: FakeTab; channel: ChannelLike }>>();

  /** `connection` is how its tabs reach the server, such as the `environment` of a fake server. */
  constructor(private readonly connection: Connection) {}

  openTab(): FakeTab {
    return new FakeTab(this.connection, this.locks, (tab, name) => this.join(tab, name));
  }

  private join(tab: FakeTab, name: string): ChannelLike {
    const ends = this.channels.get(name) ?? new Set();
    this.channels.set(name, ends);
    const channel: ChannelLike = {
      onmessage: null,
      postMessage: (message) => {
        for (const other of [...ends]) if (other !== end) deliver(other, structuredClone(message));
      },
      close: () => ends.delete(end),
    };
    const end = { tab, channel };
    ends.add(end);
    const deliver = (to: typeof end, data: unknown) => queueMicrotask(() => to.tab.run(() => void (ends.has(to) && to.channel.onmessage?.({ data }))));
    return channel;
  }
}
