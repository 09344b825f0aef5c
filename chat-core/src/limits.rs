//! The limits of the product. Relations between them are checked at compile time.
//!
//! Decoding refuses stored texts above the limits of today ([`crate::model`]). Before a limit on a
//! text is lowered, the longer texts in the stores must be dealt with.

use std::time::Duration;

/// The largest text of a message, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// The largest title of a group, in bytes.
pub const TITLE_BYTES_MAX: usize = 256;
/// The largest emoji, in bytes.
pub const EMOJI_BYTES_MAX: usize = 64;
/// The maximum number of different emoji ever put on one message, including those taken off again.
pub const EMOJI_PER_MESSAGE_MAX: usize = 64;
/// The maximum number of edits of one message.
pub const EDITS_PER_MESSAGE_MAX: usize = 1_000;
/// The longest client id, in characters.
pub const CLIENT_ID_CHARS_MAX: usize = 64;
/// The shortest username, in characters.
pub const USERNAME_CHARS_MIN: usize = 3;
/// The longest username, in characters.
pub const USERNAME_CHARS_MAX: usize = 32;
/// The largest display name, in bytes.
pub const DISPLAY_NAME_BYTES_MAX: usize = 128;
/// The largest name of a device, in bytes.
pub const DEVICE_BYTES_MAX: usize = 128;
/// The smallest password, in bytes.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// The largest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// The maximum number of files that one message can show.
pub const ATTACHMENTS_MAX: usize = 10;
/// The largest name of a file, in bytes.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// The longest blurred preview of an image, in bytes.
pub const BLURHASH_BYTES_MAX: usize = 64;
/// The default for the most pixels that an image may have.
pub const IMAGE_PIXELS_MAX_DEFAULT: u32 = 50_000_000;
/// The default for the memory in which a gateway examines images, in bytes.
pub const IMAGE_MEMORY_DEFAULT: u64 = 256 << 20;
/// The largest file that a gateway looks into, in bytes. It is in memory meanwhile.
pub const EXAMINED_BYTES_MAX: u64 = 32 << 20;
/// The default for the largest file, in bytes.
pub const FILE_BYTES_MAX_DEFAULT: u64 = 25 << 20;
/// The default for the bytes of all files of a user.
pub const USER_FILE_BYTES_MAX_DEFAULT: u64 = 1 << 30;
/// The bytes that a smaller file counts in its owner's quota.
pub const BILLED_BYTES_MIN: u64 = 64 << 10;
/// The largest chunk of a file, in bytes. A gateway holds one for each upload in progress.
pub const CHUNK_BYTES_MAX: usize = 1 << 20;
/// The maximum number of chunks of a file.
pub const CHUNKS_MAX: usize = 2_048;
/// The time after which a file that is not complete, or that no message shows, is removed.
pub const UPLOAD_TTL: Duration = Duration::from_secs(24 * 3600);
/// The time for which a file is kept at least once a command has begun to send it.
pub const SENDING_TTL: Duration = Duration::from_secs(3600);

/// The maximum number of members of a conversation.
pub const MEMBERS_MAX: u32 = 100_000;
/// The maximum number of members that a new group can start with, including its creator.
pub const FOUNDERS_MAX: usize = 256;
/// The maximum number of conversations of a user.
pub const CONVERSATIONS_MAX: usize = 10_000;
/// The maximum number of requests of a user: memberships that the user has not answered.
pub const REQUESTS_KEPT_MAX: usize = 1_000;
/// The default for how many direct conversations a user may have opened without an answer.
pub const REQUESTS_MAX_DEFAULT: usize = 20;
/// The time for which an unanswered request counts.
pub const ASKED_WITHIN: Duration = Duration::from_secs(30 * 24 * 3600);
/// The maximum number of users whom a user may block.
pub const BLOCKS_MAX: usize = 1_000;
/// The time for which a gateway keeps what a user allows others. A block takes effect on every gateway
/// within five seconds, together with the time for which it is kept who may see whom.
pub const BOUNDARY_TTL: Duration = Duration::from_secs(2);
/// The maximum number of users for whom a gateway keeps it.
pub const BOUNDARIES_KEPT_MAX: usize = 16 * 1024;
/// The maximum number of blocks that a gateway keeps.
pub const BLOCKS_KEPT_MAX: usize = 1024 * 1024;
/// The maximum number of live invites of a group.
pub const INVITES_MAX: usize = 100;
/// The maximum number of uses of an invite whose uses are limited.
pub const INVITE_USES_MAX: u32 = 10_000;
/// The shortest life of an invite.
pub const INVITE_TTL_MIN: Duration = Duration::from_secs(60);
/// The longest life of an invite.
pub const INVITE_TTL_MAX: Duration = Duration::from_secs(365 * 24 * 3600);
/// The life of an invite if none is asked for.
pub const INVITE_TTL_DEFAULT: Duration = Duration::from_secs(7 * 24 * 3600);
/// The maximum number of logins of a user. A further one ends the least recently used login.
pub const LOGINS_MAX: usize = 64;
/// The maximum number of members of a conversation whose receipts and typing are pushed to the
/// other members.
pub const MOMENTS_MEMBERS_MAX: u32 = 256;

/// The maximum number of entries in one append. Creating a group with all its members is one
/// append.
pub const APPEND_ENTRIES_MAX: usize = FOUNDERS_MAX;
/// The maximum number of commands in one group commit.
pub const BATCH_ENTRIES_MAX: usize = 64;
/// The maximum number of bytes of text in one group commit.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;
/// The maximum number of commands that wait for one conversation's appender. Further ones are
/// refused.
pub const APPENDER_QUEUE_MAX: usize = 4_096;
/// The number of newest entries in which a retry without `base_seq` is always recognized.
pub const REPEAT_ENTRIES_MIN: u64 = 4_096;

/// The number of bytes after which a session stops reading a page of the log for its client.
pub const RESUME_PAGE_BYTES: usize = 128 * 1024;
/// The number of sessions that read pages of the log for their clients at the same time. Others wait,
/// so that thousands that resume at once do not delay what is new.
pub const RESUMING_MAX: usize = 16;
/// The number of bytes after which a page of history ends, however many entries were asked for.
pub const HISTORY_PAGE_BYTES: usize = 256 * 1024;
/// The number of pages of history that are read at the same time. Others wait, so that the executor
/// is free for what is new.
pub const HISTORY_AT_ONCE_MAX: usize = 8;
/// The number of searches that are answered at the same time. Others wait.
pub const SEARCHES_AT_ONCE_MAX: usize = 4;
/// The largest query of a search, in bytes.
pub const SEARCH_QUERY_BYTES_MAX: usize = 256;
/// When a user whose answers are unread may try again.
pub const UNREAD_RETRY_AFTER: Duration = Duration::from_secs(1);
/// The default budget of bytes that are ready for clients but not sent yet.
pub const UNREAD_BYTES_DEFAULT: usize = 128 * 1024 * 1024;

/// The number of fresh ids that are tried for one user, login or conversation. A second one is only
/// needed after a defect: ids never repeat.
pub const FRESH_IDS_MAX: usize = 3;

/// The number of newest entries among which redacted messages do not count as unread.
pub const UNREAD_ENTRIES_MAX: u64 = 1_000;
/// The maximum number of items on a page.
pub const PAGE_MAX: usize = 100;
/// The maximum number of members on a page of members.
pub const MEMBERS_PAGE_MAX: usize = 1_000;
/// The number of items on a page if the client does not ask for another.
pub const PAGE_DEFAULT: usize = 50;
/// The maximum number of entries of a conversation that a resume carries. More become a `gap`.
pub const RESUME_ENTRIES_MAX: u64 = 500;
/// The maximum number of conversations whose heads are read at once.
pub const HEADS_MAX: usize = 256;
/// The maximum number of events in an outbox.
pub const OUTBOX_EVENTS_MAX: usize = 1_024;
/// The maximum number of bytes in an outbox.
pub const OUTBOX_BYTES_MAX: usize = 256 * 1024;
/// The maximum number of commands of one session in progress. Further ones wait.
pub const COMMANDS_IN_FLIGHT_MAX: usize = 32;
/// The maximum number of concurrent reads of the store for one command.
pub const READS_AT_ONCE_MAX: usize = 32;
/// The maximum number of users whose presence a session can watch.
pub const WATCHED_MAX: usize = 256;
/// The largest frame or request body, in bytes.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// The maximum number of waiting polls of a login. A further one ends the oldest with an empty
/// answer.
pub const POLLS_PER_LOGIN_MAX: usize = 2;

/// The longest time that a poll can wait.
pub const POLL_WAIT_MAX: Duration = Duration::from_secs(30);
/// The time that a poll waits if the client does not ask for another.
pub const POLL_WAIT_DEFAULT: Duration = Duration::from_secs(25);
/// The time within which a command succeeds, is refused, or ends with an unknown outcome.
pub const COMMAND_DEADLINE: Duration = Duration::from_secs(2);
/// The fraction of the previous append's duration, as a divisor, that the next batch may wait for
/// as many commands as there were before.
pub const GATHER_SHARE: u32 = 8;
/// The shortest such wait. Shorter ones are skipped, because timers are no finer.
pub const GATHER_MIN: Duration = Duration::from_millis(1);
/// The longest such wait.
pub const GATHER_MAX: Duration = Duration::from_millis(20);
/// How long a conversation counts as shared after another gateway has appended to it.
pub const SHARED_FOR: Duration = COMMAND_DEADLINE;
/// The longest time that a gateway of a fleet appends to a conversation without letting others go first.
pub const TURN_MAX: Duration = Duration::from_millis(500);
/// How long a gateway lets others go first, as a multiple of the time that its last batch took.
pub const TURN_PAUSE: u32 = 2;
/// The longest such pause.
pub const TURN_PAUSE_MAX: Duration = Duration::from_millis(200);
/// The lifetime of an access token if none is configured.
pub const ACCESS_TTL_DEFAULT: Duration = Duration::from_secs(600);
/// The lifetime of an unused refresh token.
pub const REFRESH_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// The maximum age of a login if none is configured, however often it is refreshed.
pub const LOGIN_AGE_MAX_DEFAULT: Duration = Duration::from_secs(90 * 24 * 3600);
/// The longest lifetime of an access token that can be configured.
pub const ACCESS_TTL_MAX: Duration = Duration::from_secs(24 * 3600);
/// The interval at which a gateway reads the ended logins from the store while hints do not arrive.
pub const ENDED_LOGINS_EVERY: Duration = Duration::from_secs(4);
/// The time after which another request may take over an unsettled idempotency key.
pub const REPLY_CLAIM_TTL: Duration = Duration::from_secs(30);
/// The time for which the result under an idempotency key is kept.
pub const REPLY_TTL: Duration = Duration::from_secs(24 * 3600);
/// The time for which a gap in the hints may be caused by reordering alone.
pub const REORDER_WAIT: Duration = Duration::from_millis(50);
/// The time before a reader retries a store that did not answer.
pub const STORE_PAUSE: Duration = Duration::from_millis(500);

/// The time within which the memberships of every user on a gateway are compared with the store,
/// in case the hint about a new conversation was lost.
pub const MEMBERSHIPS_WITHIN: Duration = Duration::from_secs(30);
/// The maximum number of users whose memberships are compared each second while the bus is down.
/// More users take turns.
pub const MEMBERSHIPS_ROUND_MAX: usize = 4_096;
/// The maximum number of users whose memberships are read at once.
pub const MEMBERSHIPS_AT_ONCE_MAX: usize = 32;

/// The largest integer that every JSON reader represents exactly: 2^53 - 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

const _: () = assert!(TEXT_BYTES_MAX * 2 < FRAME_BYTES_MAX, "an escaped text fits a frame");
const _: () = assert!(BATCH_BYTES_MAX > TEXT_BYTES_MAX, "one text fits a batch");
const _: () = assert!(ATTACHMENTS_MAX * FILE_NAME_BYTES_MAX < TEXT_BYTES_MAX, "names fit a frame");
const _: () = assert!(SENDING_TTL.as_secs() > 60 * COMMAND_DEADLINE.as_secs(), "every try is over");
const _: () = assert!(OUTBOX_BYTES_MAX > 2 * FRAME_BYTES_MAX, "an event fits an outbox");
const _: () = assert!(BATCH_ENTRIES_MAX <= APPEND_ENTRIES_MAX, "a batch fits an append");
const _: () = assert!(GATHER_MAX.as_millis() * 10 < COMMAND_DEADLINE.as_millis(), "a small part");
const _: () =
    assert!(TURN_MAX.as_millis() * 4 <= COMMAND_DEADLINE.as_millis(), "others get a turn");
const _: () =
    assert!(TURN_PAUSE_MAX.as_millis() * 10 <= COMMAND_DEADLINE.as_millis(), "a small part");
const _: () = assert!(PAGE_DEFAULT <= PAGE_MAX, "the default page is a valid page");
