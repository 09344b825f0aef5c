// The developer drawer's view of the connection, and what it does to it.

import { describe, expect, it } from "vitest";
import { WireTap } from "../../src/developer/wire_tap";
import { FRAMES_MAX, listen } from "../../src/developer/wire_log";
import type { Environment, SocketLike } from "../../sdk/index";

interface Server {
  sockets: (SocketLike & { sent: string[]; closed: number | undefined })[];
  calls: Headers[];
  environment: Environment;
  /** Runs what waits for a time. */
  run(): void;
}

function server(): Server {
  const waiting: (() => void)[] = [];
  const it: Server = { sockets: [], calls: [], environment: undefined as unknown as Environment, run: () => waiting.splice(0).forEach((work) => work()) };
  it.environment = {
    base_url: "http://gateway",
    fetch: (_: string, init: RequestInit) => {
      it.calls.push(new Headers(init.headers));
      return Promise.resolve(new Response());
    },
    openSocket: () => {
      const socket = { onopen: null, onmessage: null, onclose: null, sent: [] as string[], closed: undefined as number | undefined,
        send: (frame: string) => void socket.sent.push(frame), close: (code?: number) => void (socket.closed = code) };
      it.sockets.push(socket);
      return socket;
    },
    after: (_: number, work: () => void) => {
      waiting.push(work);
      return () => undefined;
    },
  } as unknown as Environment;
  return it;
}

/** Connects through a tap, and returns what the app and the server have. */
function connected() {
  const gateway = server();
  const tap = new WireTap();
  const environment = tap.tap(gateway.environment);
  const socket = environment.openSocket("ws://gateway", "confab.v1.json");
  const received: string[] = [];
  socket.onmessage = ({ data }) => void received.push(String(data));
  const server_socket = gateway.sockets[0]!;
  server_socket.onopen?.();
  const arrive = (frame: object) => server_socket.onmessage?.({ data: JSON.stringify(frame) });
  return { gateway, tap, environment, socket, server_socket, received, arrive };
}

describe("the tap of the connection", () => {
  it("passes frames in both directions, with and without a listener", () => {
    const { tap, socket, server_socket, received, arrive } = connected();
    socket.send("one");
    arrive({ re: 1 });
    const log = listen(tap);
    socket.send("two");
    arrive({ re: 2 });
    expect(server_socket.sent).toEqual(["one", "two"]);
    expect(received).toEqual(['{"re":1}', '{"re":2}']);
    expect(log.state.frames.map(({ direction, text }) => [direction, text])).toEqual([["sent", "two"], ["received", '{"re":2}']]);
    log.stop();
    expect(tap.listener).toBeUndefined();
  });

  it("loses one message, and only a message", () => {
    const { tap, received, arrive } = connected();
    const log = listen(tap);
    log.loseNext();
    arrive({ ev: "typing" });
    arrive({ ev: "message", conversation: "7", seq: 4 });
    arrive({ ev: "message", conversation: "7", seq: 5 });
    expect(received.map((frame) => (JSON.parse(frame) as { seq?: number }).seq)).toEqual([undefined, 5]);
    expect(log.state.frames.map(({ direction }) => direction)).toEqual(["received", "lost", "received"]);
    expect(log.state.seqs["7"]).toBe(5);
  });

  it("drops the socket, and refuses new ones while polling is forced", () => {
    const { gateway, tap, environment, server_socket } = connected();
    tap.dropSocket();
    expect(server_socket.closed).toBe(4000);
    tap.refuseSockets(true);
    const refused = environment.openSocket("ws://gateway", "confab.v1.json");
    const closes: number[] = [];
    refused.onclose = ({ code }) => void closes.push(code);
    gateway.run();
    expect([closes, gateway.sockets.length]).toEqual([[4000], 1]);
    tap.refuseSockets(false);
    environment.openSocket("ws://gateway", "confab.v1.json");
    expect(gateway.sockets.length).toBe(2);
  });

  it("sends an expired token once, with a call or a hello", async () => {
    const { gateway, tap, environment, socket, server_socket } = connected();
    const call = () => environment.fetch("http://gateway/v1/me", { headers: { authorization: "Bearer good" } });
    tap.expireToken();
    await environment.fetch("http://gateway/public", {});
    await call();
    await call();
    expect(gateway.calls.map((headers) => headers.get("authorization"))).toEqual([null, "Bearer expired", "Bearer good"]);
    tap.expireToken();
    socket.send('{"id":1,"cmd":"ping"}');
    socket.send('{"id":2,"cmd":"hello","token":"good"}');
    expect(server_socket.sent).toEqual(['{"id":1,"cmd":"ping"}', '{"id":2,"cmd":"hello","token":"expired"}']);
  });
});

describe("the log of the connection", () => {
  it("measures the time from a command to its reply", () => {
    const { tap, socket, arrive } = connected();
    let now = 10;
    const log = listen(tap, () => now);
    socket.send('{"id":3,"cmd":"send"}');
    now = 14.5;
    arrive({ re: 3, ok: {} });
    arrive({ re: 9, ok: {} });
    expect(log.state.roundTrip_ms).toBe(4.5);
  });

  it("keeps a bounded number of frames, and no token", () => {
    const { tap, socket, server_socket } = connected();
    const log = listen(tap);
    for (let number = 0; number < FRAMES_MAX + 5; number += 1) socket.send(`{"id":${number},"token":"secret"}`);
    expect(log.state.frames.length).toBe(FRAMES_MAX);
    expect(log.state.frames.some(({ text }) => text.includes("secret"))).toBe(false);
    expect(server_socket.sent[0]).toContain("secret");
    server_socket.onclose?.({ code: 1006, reason: "" });
    expect(log.state.isConnected).toBe(false);
  });
});
