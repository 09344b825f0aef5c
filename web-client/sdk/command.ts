// The commands that a client sends to the gateway, and the shape of each reply.

import { history, nothing, refreshed, sent, watched } from "./wire.js";
import type { Shape, Shaped } from "./shape.js";

/** Which page of a history is read: the newest one, or the one before, after or around a seq. */
export type HistoryQuery =
  | { before_seq: number; limit?: number }
  | { after_seq: number; limit?: number }
  | { around_seq: number; limit?: number }
  | { limit?: number };

export interface Send {
  cmd: "send";
  conversation: string;
  client_id: string;
  text: string;
  reply_to?: number;
  /** The ids of uploaded files. */
  attachments?: string[];
  expected_seq?: number;
  base_seq?: number;
}
export interface Edit {
  cmd: "edit";
  conversation: string;
  seq: number;
  text: string;
  client_id: string;
  base_seq?: number;
}
export interface Redact {
  cmd: "redact";
  conversation: string;
  seq: number;
  client_id: string;
  base_seq?: number;
}
export interface React {
  cmd: "react";
  conversation: string;
  seq: number;
  emoji: string;
  on: boolean;
  client_id: string;
  base_seq?: number;
}
export interface ReceiptCommand {
  cmd: "receipt";
  conversation: string;
  delivered_seq?: number;
  read_seq?: number;
}

/** The commands that make an entry. The outbox keeps each one until its outcome is known. */
export type EntryCommand = Send | Edit | Redact | React;

/** Everything that a client can send over a socket after its hello. */
export type Command =
  | EntryCommand
  | ReceiptCommand
  | { cmd: "typing"; conversation: string; on: boolean }
  | { cmd: "watch"; users: string[] }
  | { cmd: "unwatch"; users: string[] }
  | { cmd: "away"; on: boolean }
  | ({ cmd: "history"; conversation: string } & HistoryQuery)
  | { cmd: "refresh"; token: string }
  | { cmd: "ping" };

const replyShapes = {
  send: sent,
  edit: sent,
  redact: sent,
  react: sent,
  receipt: nothing,
  typing: nothing,
  watch: watched,
  unwatch: nothing,
  away: nothing,
  history,
  refresh: refreshed,
  ping: nothing,
} satisfies { [C in Command["cmd"]]: Shape<unknown> };

export type ReplyTo<C extends Command> = Shaped<(typeof replyShapes)[C["cmd"]]>;

export function readReply<C extends Command>(command: C, ok: unknown): ReplyTo<C> {
  return (replyShapes[command.cmd] as Shape<ReplyTo<C>>)(ok, command.cmd);
}

/** Sends a command to the gateway and returns its reply. */
export interface Transport {
  execute<C extends Command>(command: C): Promise<ReplyTo<C>>;
}

/** Returns the JSON frame of a command, with its id first and without undefined fields. */
export function commandFrame(id: number, command: Command): string {
  return JSON.stringify({ id, ...command });
}

export interface ClientName {
  name: string;
  version: string;
}

/** Returns the first frame of a socket. Without `resume`, the server sends only new events. */
export function helloFrame(id: number, token: string, resume: object | undefined, client: ClientName): string {
  return JSON.stringify({ id, cmd: "hello", token, resume, client });
}
