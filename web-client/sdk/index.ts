// The SDK's public face.

export { Client, type ClientEvents, type ClientParts, VERSION } from "./client";
export type { Command, EntryCommand, HistoryQuery } from "./command";
export { ConfabError, isCode, LoggedOut, mayRetry, type Problem, Unreachable } from "./error";
export type { OutboxItem, OutboxState, OutboxStore } from "./outbox";
export type { EndReason, SessionState } from "./session";
export { browserSurroundings, type SocketLike, type Surroundings } from "./surroundings";
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
