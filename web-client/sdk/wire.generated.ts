// The JSON of the protocol, generated from docs/openapi.json and docs/asyncapi.json: see tests/wire.test.ts.

export type Id = string;
export type AudienceName = "everyone" | "contacts" | "nobody";
export type KindName = "direct" | "group";
export type Entry = EntryBody & {
  client_id?: string | null;
  conversation: Id;
  id: Id;
  sender: Id;
  sent_at: Time;
  seq: number;
};
export type EntryBody =
  | {
      attachments?: Attachment[];
      edited_at?: Time | null;
      kind: "text";
      reactions?: Reaction[];
      redacted?: boolean;
      reply_to?: number | null;
      text?: string | null;
    }
  | {
      kind: "edited";
      redacted?: boolean;
      target_seq: number;
      text?: string | null;
    }
  | {
      kind: "redacted";
      target_seq: number;
    }
  | {
      emoji: string;
      kind: "reaction";
      on: boolean;
      target_seq: number;
    }
  | {
      invited_by?: Id | null;
      kind: "joined";
      role: RoleName;
      user: Id;
    }
  | {
      by: Id;
      kind: "left";
      user: Id;
    }
  | {
      kind: "role";
      role: RoleName;
      user: Id;
    }
  | {
      kind: "title";
      title: string;
    };
export type Time = string;
export type RoleName = "owner" | "admin" | "member";
export type StateName = "request" | "open";
export type CreateConversation =
  | {
      kind: "direct";
      user: string;
    }
  | {
      kind: "group";
      /**
       * @maxItems 255
       */
      members?: string[] | null;
      title: string;
    };
export type Integer = number;
export type Event =
  | (Entry & {
      ev: "message";
    })
  | {
      conversation: Id;
      delivered_seq: number;
      ev: "receipt";
      read_seq: number;
      user: Id;
    }
  | {
      conversation: Id;
      ev: "typing";
      on: boolean;
      user: Id;
    }
  | {
      conversation: Id;
      details: ConversationJson;
      ev: "conversation";
    }
  | {
      conversation: Id;
      ev: "removed";
    }
  | {
      after_seq: number;
      conversation: Id;
      ev: "gap";
      head_seq: number;
    }
  | {
      ev: "draining";
      reconnect_after_ms: number;
    }
  | (PresenceJson & {
      ev: "presence";
    });
export type StatusName = "online" | "away" | "offline" | "unknown";
export type MeJson = UserJson & {
  privacy: PrivacyJson;
};
export type Problem = Error & {
  detail: string;
  instance: string;
  status: number;
  title: string;
  type: string;
};
export type Receipts =
  | {
      delivered_seq: Integer;
      read_seq?: null | Integer;
    }
  | {
      delivered_seq?: null | Integer;
      read_seq: Integer;
    };
export type HistoryCommand =
  | {
      cmd: "history";
      conversation: Id;
      id: Integer;
      limit?: number;
    }
  | {
      before_seq: Integer;
      cmd: "history";
      conversation: Id;
      id: Integer;
      limit?: number;
    }
  | {
      after_seq: Integer;
      cmd: "history";
      conversation: Id;
      id: Integer;
      limit?: number;
    }
  | {
      around_seq: Integer;
      cmd: "history";
      conversation: Id;
      id: Integer;
      limit?: number;
    };
export type MessageEvent = Entry & {
  ev: "message";
};
export type PresenceEvent = PresenceJson & {
  ev: "presence";
};
export type ReceiptCommand =
  | {
      cmd: "receipt";
      conversation: Id;
      delivered_seq: Integer;
      id: Integer;
      read_seq?: null | Integer;
    }
  | {
      cmd: "receipt";
      conversation: Id;
      delivered_seq?: null | Integer;
      id: Integer;
      read_seq: Integer;
    };

export interface AcceptInvite {
  client_id?: string | null;
}
export interface Attachment {
  blurhash?: string | null;
  duration_ms?: number | null;
  height?: number | null;
  id: Id;
  name: string;
  size: number;
  type: string;
  width?: number | null;
}
export interface ChangePassword {
  new_password: string;
  old_password: string;
}
export interface ChangePrivacy {
  add_to_groups?: AudienceName | null;
  direct_messages?: AudienceName | null;
  last_seen?: AudienceName | null;
  read_receipts?: boolean | null;
}
export interface ConversationJson {
  delivered_seq: number;
  head_seq: number;
  id: Id;
  kind: KindName;
  last_message?: Entry | null;
  member_count: number;
  peer?: UserJson | null;
  read_seq: number;
  role: RoleName;
  state: StateName;
  title?: string | null;
  unread: number;
}
export interface Reaction {
  emoji: string;
  users: Id[];
}
export interface UserJson {
  created_at: Time;
  display_name: string;
  id: Id;
  username: string;
}
export interface ConversationsPage {
  items: ConversationJson[];
  next_cursor?: string | null;
  totals: TotalsJson;
}
export interface TotalsJson {
  requests: number;
  unread_conversations: number;
}
export interface CreateInvite {
  expires_in?: number | null;
  max_uses?: number | null;
}
export interface Details {
  field?: string | null;
  head_seq?: number | null;
  max?: number | null;
  reason?: string | null;
}
export interface Edit {
  base_seq?: Integer | null;
  client_id: string;
  text: string;
}
export interface Error {
  code: string;
  details?: Details | null;
  message: string;
  retry_after_ms?: number | null;
  retryable: boolean;
}
export interface PresenceJson {
  last_seen_at?: Time | null;
  status: StatusName;
  user: Id;
}
export interface FileLink {
  expires_at: Time;
  url: string;
}
export interface Found {
  conversation: Id;
  entry: Entry;
  highlights: number[][];
}
export interface FoundPage {
  items: Found[];
  next_cursor?: string | null;
}
export interface History {
  head_seq: number;
  items: Entry[];
}
export interface InviteJson {
  code: string;
  created_at: Time;
  created_by: Id;
  expires_at: Time;
  max_uses?: number | null;
  url: string;
  uses_left?: number | null;
}
export interface InvitePreviewJson {
  code: string;
  conversation: InvitedTo;
  expires_at: Time;
  uses_left?: number | null;
}
export interface InvitedTo {
  id: Id;
  member_count: number;
  title?: string | null;
}
export interface Items_Id {
  items: string[];
}
export interface Items_InviteJson {
  items: {
    code: string;
    created_at: Time;
    created_by: Id;
    expires_at: Time;
    max_uses?: number | null;
    url: string;
    uses_left?: number | null;
  }[];
}
export interface Items_LoginJson {
  items: {
    created_at: Time;
    current: boolean;
    device?: string | null;
    expires_at: Time;
    id: Id;
    last_used_at: Time;
  }[];
}
export interface Items_PresenceJson {
  items: {
    last_seen_at?: Time | null;
    status: StatusName;
    user: Id;
  }[];
}
export interface Items_UserJson {
  items: {
    created_at: Time;
    display_name: string;
    id: Id;
    username: string;
  }[];
}
export interface LogIn {
  device?: string | null;
  password: string;
  username: string;
}
export interface LoggedIn {
  session: SessionJson;
  user: UserJson;
}
export interface SessionJson {
  access_token: string;
  expires_in: number;
  id: Id;
  refresh_token: string;
}
export interface LoginJson {
  created_at: Time;
  current: boolean;
  device?: string | null;
  expires_at: Time;
  id: Id;
  last_used_at: Time;
}
export interface PrivacyJson {
  add_to_groups: AudienceName;
  direct_messages: AudienceName;
  last_seen: AudienceName;
  read_receipts: boolean;
}
export interface MemberJson {
  delivered_seq: number;
  joined_seq: number;
  read_seq: number;
  role: RoleName;
  user: Id;
}
export interface Paged_MemberJson {
  items: {
    delivered_seq: number;
    joined_seq: number;
    read_seq: number;
    role: RoleName;
    user: Id;
  }[];
  next_cursor?: string | null;
}
export interface Poll {
  resume?: {
    [k: string]: Integer;
  } | null;
  wait_ms?: number | null;
}
export interface Polled {
  events: Event[];
  resume: {
    [k: string]: number;
  };
}
export interface Profile {
  display_name?: string | null;
  privacy?: ChangePrivacy | null;
}
export interface Refresh {
  refresh_token: string;
}
export interface Refreshed {
  session: SessionJson;
}
export interface Register {
  display_name?: string | null;
  password: string;
  username: string;
}
export interface Send {
  /**
   * @maxItems 10
   */
  attachments?:
    | []
    | [string]
    | [string, string]
    | [string, string, string]
    | [string, string, string, string]
    | [string, string, string, string, string]
    | [string, string, string, string, string, string]
    | [string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string, string, string];
  base_seq?: Integer | null;
  client_id: string;
  expected_seq?: Integer | null;
  reply_to?: Integer | null;
  text: string;
}
export interface Sent {
  message: Entry;
  replayed: boolean;
}
export interface SetMember {
  role?: RoleName | null;
}
export interface UpdateConversation {
  title: string;
}
export interface ClientName {
  name?: string | null;
  version?: string | null;
}
export interface Empty {}
export interface Hello {
  client?: ClientName | null;
  resume?: {
    [k: string]: Integer;
  } | null;
  token: string;
}
export interface Limits {
  attachment_bytes_max: number;
  attachments_max: number;
  commands_in_flight_max: number;
  conversations_max: number;
  frame_bytes_max: number;
  image_pixels_max: number;
  members_max: number;
  poll_wait_ms_max: number;
  rate_limits?: RateLimits | null;
  resume_entries_max: number;
  storage_bytes_max: number;
  text_bytes_max: number;
  title_bytes_max: number;
}
export interface RateLimits {
  burst: number;
  messages_per_second: number;
}
export interface Target {
  base_seq?: Integer | null;
  client_id?: string | null;
  conversation: Id;
  seq: Integer;
}
export interface TokenReplaced {
  expires_in: number;
}
export interface Watched {
  presence: PresenceJson[];
}
export interface Welcome {
  heartbeat_ms: number;
  limits: Limits;
  resume: {
    [k: string]: number;
  };
  server_time: Time;
  session: Id;
  user: Id;
}
export interface AcceptInviteCommand {
  client_id?: string | null;
  cmd: "accept_invite";
  code: string;
  id: Integer;
}
export interface AcceptInviteReply {
  ok: ConversationJson;
  re: Integer;
}
export interface AwayCommand {
  cmd: "away";
  id: Integer;
  on: boolean;
}
export interface AwayReply {
  ok: Empty;
  re: Integer;
}
export interface ConversationEvent {
  conversation: Id;
  details: ConversationJson;
  ev: "conversation";
}
export interface DrainingEvent {
  ev: "draining";
  reconnect_after_ms: number;
}
export interface EditCommand {
  base_seq?: Integer | null;
  client_id: string;
  cmd: "edit";
  conversation: Id;
  id: Integer;
  seq: Integer;
  text: string;
}
export interface EditReply {
  ok: Sent;
  re: Integer;
}
export interface GapEvent {
  after_seq: number;
  conversation: Id;
  ev: "gap";
  head_seq: number;
}
export interface HelloCommand {
  client?: ClientName | null;
  cmd: "hello";
  id: Integer;
  resume?: {
    [k: string]: Integer;
  } | null;
  token: string;
}
export interface HelloReply {
  ok: Welcome;
  re: Integer;
}
export interface HistoryReply {
  ok: History;
  re: Integer;
}
export interface PingCommand {
  cmd: "ping";
  id: Integer;
}
export interface PingReply {
  ok: Empty;
  re: Integer;
}
export interface ReactCommand {
  base_seq?: Integer | null;
  client_id?: string | null;
  cmd: "react";
  conversation: Id;
  emoji: string;
  id: Integer;
  on: boolean;
  seq: Integer;
}
export interface ReactReply {
  ok: Sent;
  re: Integer;
}
export interface ReceiptEvent {
  conversation: Id;
  delivered_seq: number;
  ev: "receipt";
  read_seq: number;
  user: Id;
}
export interface ReceiptReply {
  ok: Empty;
  re: Integer;
}
export interface RedactCommand {
  base_seq?: Integer | null;
  client_id?: string | null;
  cmd: "redact";
  conversation: Id;
  id: Integer;
  seq: Integer;
}
export interface RedactReply {
  ok: Sent;
  re: Integer;
}
export interface RefreshCommand {
  cmd: "refresh";
  id: Integer;
  token: string;
}
export interface RefreshReply {
  ok: TokenReplaced;
  re: Integer;
}
export interface Refused {
  error: Error;
  re: null | Integer;
}
export interface RemovedEvent {
  conversation: Id;
  ev: "removed";
}
export interface SendCommand {
  /**
   * @maxItems 10
   */
  attachments?:
    | []
    | [string]
    | [string, string]
    | [string, string, string]
    | [string, string, string, string]
    | [string, string, string, string, string]
    | [string, string, string, string, string, string]
    | [string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string, string]
    | [string, string, string, string, string, string, string, string, string, string];
  base_seq?: Integer | null;
  client_id: string;
  cmd: "send";
  conversation: Id;
  expected_seq?: Integer | null;
  id: Integer;
  reply_to?: Integer | null;
  text: string;
}
export interface SendReply {
  ok: Sent;
  re: Integer;
}
export interface TypingCommand {
  cmd: "typing";
  conversation: Id;
  id: Integer;
  on: boolean;
}
export interface TypingEvent {
  conversation: Id;
  ev: "typing";
  on: boolean;
  user: Id;
}
export interface TypingReply {
  ok: Empty;
  re: Integer;
}
export interface UnwatchCommand {
  cmd: "unwatch";
  id: Integer;
  /**
   * @maxItems 256
   */
  users: string[];
}
export interface UnwatchReply {
  ok: Empty;
  re: Integer;
}
export interface WatchCommand {
  cmd: "watch";
  id: Integer;
  /**
   * @maxItems 256
   */
  users: string[];
}
export interface WatchReply {
  ok: Watched;
  re: Integer;
}
