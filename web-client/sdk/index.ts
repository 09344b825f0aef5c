// The public exports of the SDK.

export { Client, type ClientEvents, type ClientParts, VERSION } from "./client";
export type { Command, EntryCommand, HistoryQuery } from "./command";
export { ConfabError, isCode, LoggedOut, isRetryable, type Problem, Unreachable } from "./error";
export type { OutboxItem, OutboxState, OutboxStore } from "./outbox";
export type { EndReason, SessionState } from "./session";
export { browserEnvironment, type SocketLike, type Environment } from "./environment";
export type { LoginStore, StoredLogin } from "./tokens";
export type {
  Conversation,
  CursorMap,
  Entry,
  EntryOf,
  Event,
  History,
  Login,
  Member,
  Presence,
  ReactionGroup,
  Receipt,
  Role,
  TextEntry,
  Typing,
  User,
} from "./wire";
