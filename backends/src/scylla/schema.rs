//! The tables, and the migrations from each schema version to the next.
//!
//! A migration only adds to the schema, because gateways of this version and of the version before
//! run side by side.

/// The schema version that this code needs.
pub(super) const VERSION: i32 = 6;

/// Holds the schema version and the settings that cannot change later.
pub(super) const SETTINGS: &str = "CREATE TABLE IF NOT EXISTS settings (
    id int PRIMARY KEY, version int, bucket_entries bigint, datacenter text, migrating boolean)";

/// What each version adds to the version before, from version 1 on.
pub(super) const MIGRATIONS: [&[&str]; VERSION as usize] = [
    &[
        LOG,
        SENT,
        "CREATE TABLE IF NOT EXISTS tails (conversation bigint PRIMARY KEY, bucket int)",
        "CREATE TABLE IF NOT EXISTS conversations (
        conversation bigint PRIMARY KEY, kind tinyint, title text, created_at bigint)",
        "CREATE TABLE IF NOT EXISTS views (
        conversation bigint PRIMARY KEY, title text, projected_seq bigint)",
        "CREATE TABLE IF NOT EXISTS directs (
        low bigint, high bigint, conversation bigint, PRIMARY KEY ((low, high)))",
        "CREATE TABLE IF NOT EXISTS members (
        conversation bigint, user bigint, gone boolean, role tinyint,
        joined_seq bigint, joined_ord bigint, PRIMARY KEY (conversation, user))",
        "CREATE TABLE IF NOT EXISTS user_conversations (
        user bigint, conversation bigint, gone boolean, role tinyint,
        joined_seq bigint, joined_ord bigint, PRIMARY KEY (user, conversation))",
        "CREATE TABLE IF NOT EXISTS overlays (
        conversation bigint, bucket int, target_seq bigint, edit_seq bigint, edit_at bigint,
        edit_text text, edit_seqs set<bigint>, redacted_seq bigint,
        PRIMARY KEY ((conversation, bucket), target_seq))",
        "CREATE TABLE IF NOT EXISTS reactions (
        conversation bigint, bucket int, target_seq bigint, emoji text, user bigint,
        on_ boolean, seq bigint,
        PRIMARY KEY ((conversation, bucket), target_seq, emoji, user))",
        "CREATE TABLE IF NOT EXISTS cursors (
        user bigint, conversation bigint, delivered_seq bigint, read_seq bigint, read_ord bigint,
        PRIMARY KEY (user, conversation))",
        "CREATE TABLE IF NOT EXISTS usernames (
        username text PRIMARY KEY, user bigint, password_hash text, display_name text,
        created_at bigint)",
        "CREATE TABLE IF NOT EXISTS users (
        user bigint PRIMARY KEY, username text, display_name text, created_at bigint)",
        "CREATE TABLE IF NOT EXISTS usernames_by_prefix (
        prefix text, username text, user bigint, PRIMARY KEY (prefix, username))",
        "CREATE TABLE IF NOT EXISTS logins (
        login bigint PRIMARY KEY, user bigint, device text, created_at bigint, used_at bigint,
        expires_at bigint, current blob, previous blob, exchanged_at bigint)",
        "CREATE TABLE IF NOT EXISTS logins_by_user (
        user bigint, login bigint, PRIMARY KEY (user, login))",
        "CREATE TABLE IF NOT EXISTS replies (
        user bigint, key text, digest blob, conversation bigint, claimed_at bigint,
        settled boolean, PRIMARY KEY ((user, key)))",
        "CREATE TABLE IF NOT EXISTS last_seen (user bigint PRIMARY KEY, at bigint)",
        "CREATE TABLE IF NOT EXISTS nodes (node int PRIMARY KEY, owner bigint, alive boolean)",
    ],
    &[
        "CREATE TABLE IF NOT EXISTS node_marks (node int PRIMARY KEY, mark bigint)",
        "CREATE TABLE IF NOT EXISTS revoked_logins (
        hour int, login bigint, user bigint, until bigint, PRIMARY KEY (hour, login))",
    ],
    &[
        "CREATE TABLE IF NOT EXISTS consents (
        user bigint, conversation bigint, opened_seq bigint, hidden_seq bigint, asked bigint,
        PRIMARY KEY (user, conversation))",
        "CREATE TABLE IF NOT EXISTS boundaries (user bigint PRIMARY KEY, boundary blob)",
    ],
    &["CREATE TABLE IF NOT EXISTS name_words (
        prefix text, word text, user bigint, PRIMARY KEY (prefix, word, user))"],
    &[
        "CREATE TABLE IF NOT EXISTS invites (
        code bigint, conversation bigint STATIC, created_by bigint STATIC,
        created_at bigint STATIC, expires_at bigint STATIC, max_uses int STATIC,
        used int STATIC, ended boolean STATIC,
        user bigint, client_id text, base_seq bigint, PRIMARY KEY (code, user))",
        "CREATE TABLE IF NOT EXISTS invite_slots (
        conversation bigint, slot int, code bigint, PRIMARY KEY (conversation, slot))",
    ],
    &[
        "CREATE TABLE IF NOT EXISTS attachments (
        attachment bigint PRIMARY KEY, revision bigint, record blob)",
        "CREATE TABLE IF NOT EXISTS attachments_by_owner (
        owner bigint, attachment bigint, bytes bigint, PRIMARY KEY (owner, attachment))",
        "CREATE TABLE IF NOT EXISTS attachments_due (
        hour int, due_at bigint, attachment bigint, PRIMARY KEY (hour, due_at, attachment))",
    ],
];

/// The cursors of senders, which sending alone moves and `cursors` does not contain. Partitioned by
/// conversation, so that one append moves all of its senders in one write to one partition.
const SENT: &str = "CREATE TABLE IF NOT EXISTS sent (
    conversation bigint, user bigint, seq bigint, ord bigint, PRIMARY KEY (conversation, user))";

/// The logs, written by conditional batches only: plain writes to the same rows could be lost. Only
/// the column `head` has a condition. The running values are set by the same update.
const LOG: &str = "CREATE TABLE IF NOT EXISTS log (
    conversation bigint, bucket int,
    head bigint STATIC, head_ord bigint STATIC, head_at timestamp STATIC, text_seq bigint STATIC,
    projected_seq bigint STATIC, members bigint STATIC, owners bigint STATIC,
    part tinyint, seq bigint, key blob,
    ref_seq bigint,
    id bigint, sender bigint, client_id text, kind tinyint, at timestamp, ord bigint, body blob,
    PRIMARY KEY ((conversation, bucket), part, seq, key)
) WITH CLUSTERING ORDER BY (part ASC, seq DESC, key ASC)";
