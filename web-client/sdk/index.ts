// The public exports of the SDK.

export { Client, type ClientEvents, type ClientParts, VERSION } from "./client";
export type { Command, EntryCommand, HistoryQuery } from "./command";
export { ConfabError, isCode, LoggedOut, isRetryable, type Problem, Unreachable } from "./error";
export type { OutboxItem, OutboxState, OutboxStore } from "./outbox";
export type { EndReason, SessionState } from "./session";
export { browserEnvironment, type SocketLike, type Environment } from "./environment";
export type { LoginStore, StoredLogin } from "./tokens";
export type {
  Audience,
  Conversation,
  CursorMap,
  Entry,
  EntryOf,
  Event,
  History,
  Login,
  LoginItem,
  Me,
  Member,
  Presence,
  Privacy,
  ReactionGroup,
  Receipt,
  Role,
  TextEntry,
  Typing,
  User,
} from "./wire";
