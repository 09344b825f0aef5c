// The public exports of the SDK. Start with `createConfab`; `Client` is the layer below it, without rooms.

export { Confab, type ConfabEvents, type ConfabOptions, type ConfabState, createConfab } from "./confab.js";
export { Room, type RoomEvents, type SendOptions } from "./room.js";
export { initialRoom, type Message, reduceRoom, type RoomEvent, type RoomState } from "./room_state.js";
export { indexedDbStore, memoryStore, type Store } from "./store.js";
export { Client, type ClientEvents, type ClientParts, VERSION } from "./client.js";
export type { Command, EntryCommand, HistoryQuery } from "./command.js";
export { Emitter, type Listener } from "./emitter.js";
export { ConfabError, ERROR_CODES, type ErrorCode, isCode, LoggedOut, isRetryable, type Problem, Unreachable } from "./error.js";
export { unsentIn, type Values } from "./unsent.js";
export type { Outbox, OutboxItem, OutboxState, OutboxStore, StoredCommand } from "./outbox.js";
export type { EndReason, SessionState } from "./session.js";
export { browserEnvironment, type SocketLike, type Environment } from "./environment.js";
export type { LogIn, Registration } from "./body.js";
export { Rest } from "./rest.js";
export type { Watch } from "./watch.js";
export { type LoginStore, type StoredLogin, Tokens, type TokenSource } from "./tokens.js";
export type {
  Attachment,
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
} from "./wire.js";
