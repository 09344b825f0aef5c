// Where the developer tools look at the connection, and disturb it.

import type { Environment, SocketLike } from "../../sdk/index";

/** Who hears what passes. */
export interface Listener {
  opened(): void;
  closed(): void;
  sent(frame: string): void;
  /** Returns false to lose the frame. */
  received(frame: string): boolean;
}

/** No gateway accepts it. */
const EXPIRED_TOKEN = "expired";
/** The code of a connection that was lost. */
const LOST = 4000;

export class WireTap {
  listener: Listener | undefined;
  #socket: SocketLike | undefined;
  #refusesSockets = false;
  #spoilsToken = false;

  get hasSocket(): boolean {
    return this.#socket !== undefined;
  }

  get refusesSockets(): boolean {
    return this.#refusesSockets;
  }

  /** Closes the socket, as a lost network does. */
  dropSocket(): void {
    this.#socket?.close(LOST, "dropped by the developer tools");
  }

  /** Leaves only long polling, until it is turned off. */
  refuseSockets(isOn: boolean): void {
    this.#refusesSockets = isOn;
    if (isOn) this.dropSocket();
  }

  /** Sends a token that has expired with the next call, and with the next hello of a socket. */
  expireToken(): void {
    this.#spoilsToken = true;
    this.dropSocket();
  }

  /** Returns an environment whose connection is tapped. */
  tap(environment: Environment): Environment {
    return {
      ...environment,
      fetch: (url, init) => environment.fetch(url, this.#withToken(init)),
      openSocket: (url, subprotocol) => this.#open(environment, url, subprotocol),
    };
  }

  #open(environment: Environment, url: string, subprotocol: string): SocketLike {
    if (this.#refusesSockets) return refused(environment);
    const socket = environment.openSocket(url, subprotocol);
    const tapped: SocketLike = {
      onopen: null,
      onmessage: null,
      onclose: null,
      send: (frame) => {
        const sent = this.#spoiledHello(frame);
        this.listener?.sent(sent);
        socket.send(sent);
      },
      close: (code, reason) => socket.close(code, reason),
    };
    socket.onopen = () => {
      this.#socket = socket;
      this.listener?.opened();
      tapped.onopen?.();
    };
    socket.onmessage = (message) => {
      if (this.listener?.received(String(message.data)) !== false) tapped.onmessage?.(message);
    };
    socket.onclose = (close) => {
      if (this.#socket === socket) this.#socket = undefined;
      this.listener?.closed();
      tapped.onclose?.(close);
    };
    return tapped;
  }

  #withToken(init: RequestInit): RequestInit {
    const headers = new Headers(init.headers);
    if (!this.#spoilsToken || !headers.has("authorization")) return init;
    this.#spoilsToken = false;
    headers.set("authorization", `Bearer ${EXPIRED_TOKEN}`);
    return { ...init, headers };
  }

  #spoiledHello(frame: string): string {
    if (!this.#spoilsToken || !frame.includes('"cmd":"hello"')) return frame;
    this.#spoilsToken = false;
    return JSON.stringify({ ...(JSON.parse(frame) as object), token: EXPIRED_TOKEN });
  }
}

/** Returns a socket that cannot connect. */
function refused(environment: Environment): SocketLike {
  const socket: SocketLike = { onopen: null, onmessage: null, onclose: null, send: () => undefined, close: () => undefined };
  environment.after(0, () => socket.onclose?.({ code: LOST, reason: "refused by the developer tools" }));
  return socket;
}
