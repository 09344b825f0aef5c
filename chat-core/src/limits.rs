//! Every bound of the product, with its relations checked when it is compiled.

use std::time::Duration;

/// Bytes of a message's text.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a group's title.
pub const TITLE_BYTES_MAX: usize = 256;
/// Bytes of an emoji.
pub const EMOJI_BYTES_MAX: usize = 64;
/// Different emoji ever put on one message, also those taken off again.
pub const EMOJI_PER_MESSAGE_MAX: usize = 64;
/// Edits of one message.
pub const EDITS_PER_MESSAGE_MAX: usize = 1_000;
/// Characters of a client id.
pub const CLIENT_ID_CHARS_MAX: usize = 64;
/// Characters of a username, at the least.
pub const USERNAME_CHARS_MIN: usize = 3;
/// Characters of a username.
pub const USERNAME_CHARS_MAX: usize = 32;
/// Bytes of a display name.
pub const DISPLAY_NAME_BYTES_MAX: usize = 128;
/// Bytes of a device's name.
pub const DEVICE_BYTES_MAX: usize = 128;
/// Bytes of a password, at the least.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// Bytes of a password.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Members of a conversation.
pub const MEMBERS_MAX: u32 = 100_000;
/// Members that a new group may begin with, its maker among them.
pub const FOUNDERS_MAX: usize = 256;
/// Conversations of a user.
pub const CONVERSATIONS_MAX: usize = 10_000;
/// Logins of a user; the one unused longest makes room.
pub const LOGINS_MAX: usize = 64;
/// Members of a conversation up to which receipts and typing are pushed to the others.
pub const MOMENTS_MEMBERS_MAX: u32 = 256;

/// Entries in one append: a group's founding is one.
pub const APPEND_ENTRIES_MAX: usize = FOUNDERS_MAX;
/// Commands that one group commit gathers.
pub const BATCH_ENTRIES_MAX: usize = 64;
/// Bytes of text that one group commit gathers.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;
/// Commands that wait for one conversation's appender; further ones are refused.
pub const APPENDER_QUEUE_MAX: usize = 4_096;
/// How far back a repeat without `base_seq` is surely found, in entries.
pub const REPEAT_ENTRIES_MIN: u64 = 4_096;

/// Items of a page.
pub const PAGE_MAX: usize = 100;
/// Members of a page of them.
pub const MEMBERS_PAGE_MAX: usize = 1_000;
/// Items of a page when nobody says.
pub const PAGE_DEFAULT: usize = 50;
/// Entries of a conversation that a resume carries; more become a `gap`.
pub const RESUME_ENTRIES_MAX: u64 = 500;
/// Conversations whose heads are asked for at once.
pub const HEADS_MAX: usize = 256;
/// Events in an outbox.
pub const OUTBOX_EVENTS_MAX: usize = 1_024;
/// Bytes in an outbox.
pub const OUTBOX_BYTES_MAX: usize = 256 * 1024;
/// Commands of one session in progress; further ones wait.
pub const COMMANDS_IN_FLIGHT_MAX: usize = 32;
/// Reads of the store that one command has in progress.
pub const READS_AT_ONCE_MAX: usize = 32;
/// Users whose presence a session may watch.
pub const WATCHED_MAX: usize = 256;
/// Bytes of a frame or a request body.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Parked polls of a login; an older one is answered empty.
pub const POLLS_PER_LOGIN_MAX: usize = 2;

/// How long a poll may wait.
pub const POLL_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long a poll waits when nobody says.
pub const POLL_WAIT_DEFAULT: Duration = Duration::from_secs(25);
/// Within this time a command is done, refused, or its outcome called unknown.
pub const COMMAND_DEADLINE: Duration = Duration::from_secs(2);
/// A batch that follows another one waits for this part of the last one's time, at most, until as
/// many writes are there as were there before.
pub const GATHER_SHARE: u32 = 8;
/// A shorter wait is none: timers are no finer.
pub const GATHER_MIN: Duration = Duration::from_millis(1);
/// The longest such wait.
pub const GATHER_MAX: Duration = Duration::from_millis(20);
/// How long an access token lives when nobody says.
pub const ACCESS_TTL_DEFAULT: Duration = Duration::from_secs(600);
/// How long a refresh token lives unused.
pub const REFRESH_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long an exchanged refresh token still gives the same successor: an answer may be lost.
pub const REFRESH_GRACE: Duration = Duration::from_secs(10);
/// How long the first request under an idempotency key may run before another may take over.
pub const REPLY_CLAIM_TTL: Duration = Duration::from_secs(30);
/// How long the answer under an idempotency key is kept.
pub const REPLY_TTL: Duration = Duration::from_secs(24 * 3600);
/// How long a gap in the hints may be mere reordering.
pub const REORDER_WAIT: Duration = Duration::from_millis(50);
/// How long whoever reads on waits before a store that did not answer is asked again.
pub const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Within this time the memberships of whoever is on a gateway have been compared with the store,
/// also where hints pass and one that told of a new conversation was lost.
pub const MEMBERSHIPS_WITHIN: Duration = Duration::from_secs(30);
/// Users whose memberships are compared each second while hints do not pass; more take turns.
pub const MEMBERSHIPS_ROUND_MAX: usize = 4_096;
/// Users whose memberships are read at once.
pub const MEMBERSHIPS_AT_ONCE_MAX: usize = 32;

/// The largest integer that JSON readers hold exactly: 2^53 - 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

const _: () = assert!(TEXT_BYTES_MAX * 2 < FRAME_BYTES_MAX, "a text fits a frame, with escapes");
const _: () = assert!(BATCH_BYTES_MAX > TEXT_BYTES_MAX, "one text fits a batch");
const _: () = assert!(OUTBOX_BYTES_MAX > 2 * FRAME_BYTES_MAX, "an event fits an outbox");
const _: () = assert!(BATCH_ENTRIES_MAX <= APPEND_ENTRIES_MAX, "a batch is an append");
const _: () = assert!(GATHER_MAX.as_millis() * 10 < COMMAND_DEADLINE.as_millis(), "a small part");
const _: () = assert!(PAGE_DEFAULT <= PAGE_MAX, "the default page is a page");
