// What the developer drawer shows of the connection: the last frames, the time of round trips, and the newest seqs.

import { createStore, produce } from "solid-js/store";
import type { Listener, WireTap } from "./wire_tap";

/** The most frames that are kept. */
export const FRAMES_MAX = 200;
/** The most characters that are kept of a frame. */
const FRAME_CHARS_MAX = 2_000;

export interface Frame {
  id: number;
  at: number;
  direction: "sent" | "received" | "lost";
  text: string;
}

export interface WireState {
  frames: Frame[];
  isConnected: boolean;
  /** Milliseconds from the last command to its reply. */
  roundTrip_ms: number | undefined;
  /** The newest seq that a frame had, for each conversation. */
  seqs: Record<string, number>;
  losesNext: boolean;
  refusesSockets: boolean;
}

interface Shown {
  ev?: string;
  re?: number;
  id?: number;
  conversation?: string;
  seq?: number;
}

/** Listens to the tap until `stop` is called. */
export function listen(tap: WireTap, now: () => number = () => performance.now()) {
  const [state, setState] = createStore<WireState>({
    frames: [],
    isConnected: tap.hasSocket,
    roundTrip_ms: undefined,
    seqs: Object.create(null) as Record<string, number>,
    losesNext: false,
    refusesSockets: tap.refusesSockets,
  });
  const asked = new Map<number, number>();
  let nextId = 1;

  function add(direction: Frame["direction"], text: string): void {
    const frame = { id: nextId++, at: Date.now(), direction, text: withoutToken(text).slice(0, FRAME_CHARS_MAX) };
    setState(produce((it) => {
      it.frames.push(frame);
      if (it.frames.length > FRAMES_MAX) it.frames.shift();
    }));
  }

  const listener: Listener = {
    opened: () => setState("isConnected", true),
    closed() {
      asked.clear();
      setState("isConnected", false);
    },
    sent(text) {
      const { id } = parsed(text);
      if (id !== undefined) asked.set(id, now());
      add("sent", text);
    },
    received(text) {
      const { re, ev, conversation, seq } = parsed(text);
      if (state.losesNext && ev === "message") {
        setState("losesNext", false);
        add("lost", text);
        return false;
      }
      const askedAt = re === undefined ? undefined : asked.get(re);
      if (askedAt !== undefined) setState("roundTrip_ms", now() - askedAt);
      if (re !== undefined) asked.delete(re);
      if (conversation !== undefined && seq !== undefined) setState("seqs", conversation, seq);
      add("received", text);
      return true;
    },
  };
  tap.listener = listener;
  return {
    state,
    clear: () => setState("frames", []),
    loseNext: () => setState("losesNext", true),
    refuseSockets(isOn: boolean): void {
      tap.refuseSockets(isOn);
      setState("refusesSockets", isOn);
    },
    stop: () => {
      if (tap.listener === listener) tap.listener = undefined;
    },
  };
}

function parsed(text: string): Shown {
  try {
    return JSON.parse(text) as Shown;
  } catch {
    return {};
  }
}

/** Nobody should read a token from a shared screen. */
function withoutToken(text: string): string {
  return text.replace(/("token":")[^"]*/, "$1…");
}
