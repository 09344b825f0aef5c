//! Every statement, prepared once at the start.
//!
//! How a statement may be sent is part of its preparation. The driver retries reads and plain
//! writes, and sends them to a second node if the first one is slow. It sends conditional writes
//! once. All statements use the session's load balancing, so that every conditional write is
//! decided in our own datacenter.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use scylla::{
    client::{
        execution_profile::{ExecutionProfile, ExecutionProfileHandle},
        session::Session,
    },
    errors::PrepareError,
    policies::{
        retry::FallthroughRetryPolicy, speculative_execution::SimpleSpeculativeExecutionPolicy,
    },
    statement::{Consistency, SerialConsistency, prepared::PreparedStatement},
};

/// How long a read or a plain write waits before it is also sent to a second node.
const SPECULATIVE_AFTER: Duration = Duration::from_millis(200);

/// Decides how a statement is sent.
#[derive(Clone, Copy)]
enum StatementKind {
    /// A read at a quorum: sees everything that was acknowledged.
    Read,
    /// A serial read: first completes or discards the conditional write in flight.
    SerialRead,
    /// A write with an explicit timestamp, idempotent.
    Write,
    /// A lightweight transaction, sent once. Without an answer, only a serial read shows the
    /// outcome.
    Conditional,
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $kind:ident $cql:literal,)+) => {
        /// The prepared statements.
        pub(super) struct Statements {
            $($(#[$doc])* pub(super) $name: PreparedStatement,)+
            /// The execution profile of conditional batches.
            pub(super) conditional: ExecutionProfileHandle,
            /// The execution profile of batches of plain writes.
            pub(super) plain: ExecutionProfileHandle,
        }

        impl Statements {
            /// Prepares all statements.
            pub(super) async fn prepare(
                session: &Session,
                timeout: Duration,
            ) -> Result<Self, PrepareError> {
                let default = session.get_default_execution_profile_handle().to_profile();
                let conditional = conditional_profile(&default, timeout).into_handle();
                let plain = plain_profile(&default).into_handle();
                let all = [$((StatementKind::$kind, $cql)),+].map(|(kind, cql)| {
                    let profile = match kind {
                        StatementKind::Read | StatementKind::Write => Some(plain.clone()),
                        StatementKind::SerialRead => None,
                        StatementKind::Conditional => Some(conditional.clone()),
                    };
                    prepare(session, kind, cql, profile)
                });
                // One pattern: an early return for each statement would also compile code that drops all
                // statements before it.
                let Ok([$($name),+]) = <[_; _]>::try_from(try_join_all(all).await?) else {
                    return Err(PrepareError::PreparedStatementIdsMismatch);
                };
                Ok(Self { $($name,)+ conditional, plain })
            }
        }
    };
}

async fn prepare(
    session: &Session,
    kind: StatementKind,
    cql: &str,
    profile: Option<ExecutionProfileHandle>,
) -> Result<PreparedStatement, PrepareError> {
    let mut statement = session.prepare(cql).await?;
    set_options(&mut statement, kind);
    statement.set_execution_profile_handle(profile);
    Ok(statement)
}

/// The default profile without retries and without a second node. It times out after less than half
/// of a call's time, which leaves time to find out the outcome and to attempt the write again.
fn conditional_profile(default: &ExecutionProfile, statement_within: Duration) -> ExecutionProfile {
    default
        .to_builder()
        .request_timeout(Some(statement_within * 9 / 20))
        .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
        .speculative_execution_policy(None)
        .build()
}

/// The default profile with a second node for slow requests.
fn plain_profile(default: &ExecutionProfile) -> ExecutionProfile {
    let second_node =
        SimpleSpeculativeExecutionPolicy { max_retry_count: 1, retry_interval: SPECULATIVE_AFTER };
    default.to_builder().speculative_execution_policy(Some(Arc::new(second_node))).build()
}

fn set_options(statement: &mut PreparedStatement, kind: StatementKind) {
    let (consistency, is_idempotent) = match kind {
        StatementKind::Read | StatementKind::Write => (Consistency::LocalQuorum, true),
        StatementKind::SerialRead => (Consistency::LocalSerial, true),
        StatementKind::Conditional => (Consistency::LocalQuorum, false),
    };
    statement.set_consistency(consistency);
    statement.set_serial_consistency(Some(SerialConsistency::LocalSerial));
    statement.set_is_idempotent(is_idempotent);
}

impl std::fmt::Debug for Statements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statements").finish_non_exhaustive()
    }
}

statements! {
    // The log.
    head: Read "SELECT head, head_ord, head_at, text_seq, projected_seq, members, owners \
        FROM log WHERE conversation = ? AND bucket = ? LIMIT 1",
    head_serial: SerialRead "SELECT head, head_ord, head_at, text_seq, projected_seq, members, \
        owners FROM log WHERE conversation = ? AND bucket = ? LIMIT 1",
    entries: Read "SELECT head, seq, id, sender, client_id, kind, at, ord, body FROM log \
        WHERE conversation = ? AND bucket = ? AND part = 0 AND seq >= ? AND seq <= ?",
    entries_serial: SerialRead "SELECT head, seq, id, sender, client_id, kind, at, ord, body \
        FROM log WHERE conversation = ? AND bucket = ? AND part = 0 AND seq >= ? AND seq <= ?",
    keys: Read "SELECT key, ref_seq FROM log \
        WHERE conversation = ? AND bucket = ? AND part = 1 AND seq = 0 AND key IN ?",
    keys_serial: SerialRead "SELECT key, ref_seq FROM log \
        WHERE conversation = ? AND bucket = ? AND part = 1 AND seq = 0 AND key IN ?",
    append_head: Conditional "UPDATE log SET head = ?, head_ord = ?, head_at = ?, text_seq = ?, \
        projected_seq = ?, members = ?, owners = ? WHERE conversation = ? AND bucket = ? \
        IF head = ?",
    append_entry: Conditional "INSERT INTO log (conversation, bucket, part, seq, key, id, sender, \
        client_id, kind, at, ord, body) VALUES (?, ?, 0, ?, 0x, ?, ?, ?, ?, ?, ?, ?)",
    append_key: Conditional "INSERT INTO log (conversation, bucket, part, seq, key, ref_seq) \
        VALUES (?, ?, 1, 0, ?, ?) IF NOT EXISTS",
    erase: Conditional "UPDATE log SET body = ? WHERE conversation = ? AND bucket = ? \
        AND part = 0 AND seq = ? AND key = 0x IF EXISTS",
    tail: Read "SELECT bucket FROM tails WHERE conversation = ?",
    set_tail: Write "INSERT INTO tails (conversation, bucket) VALUES (?, ?) USING TIMESTAMP ?",

    // Read models.
    create: Conditional "INSERT INTO conversations (conversation, kind, title, created_at) \
        VALUES (?, ?, ?, ?) IF NOT EXISTS",
    conversations: Read "SELECT conversation FROM conversations LIMIT ?",
    conversations_after: Read "SELECT conversation FROM conversations \
        WHERE token(conversation) > token(?) LIMIT ?",
    conversation: Read "SELECT kind, title, created_at FROM conversations WHERE conversation = ?",
    conversation_serial: SerialRead "SELECT kind, title, created_at FROM conversations \
        WHERE conversation = ?",
    view: Read "SELECT title, projected_seq FROM views WHERE conversation = ?",
    set_title: Write "UPDATE views USING TIMESTAMP ? SET title = ? WHERE conversation = ?",
    set_projected: Write "UPDATE views USING TIMESTAMP ? SET projected_seq = ? \
        WHERE conversation = ?",
    direct: Conditional "INSERT INTO directs (low, high, conversation) VALUES (?, ?, ?) \
        IF NOT EXISTS",
    find_direct: Read "SELECT conversation FROM directs WHERE low = ? AND high = ?",
    direct_serial: SerialRead "SELECT conversation FROM directs WHERE low = ? AND high = ?",
    set_member: Write "INSERT INTO members (conversation, user, gone, role, joined_seq, \
        joined_ord) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    set_membership: Write "INSERT INTO user_conversations (conversation, user, gone, role, \
        joined_seq, joined_ord) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    member: Read "SELECT user, gone, role, joined_seq, joined_ord FROM members \
        WHERE conversation = ? AND user = ?",
    members: Read "SELECT user, gone, role, joined_seq, joined_ord FROM members \
        WHERE conversation = ? AND user > ? LIMIT ?",
    memberships: Read "SELECT conversation, gone, role, joined_seq, joined_ord \
        FROM user_conversations WHERE user = ? AND conversation > ? LIMIT ?",
    set_edit: Write "UPDATE overlays USING TIMESTAMP ? SET edit_seq = ?, edit_at = ?, \
        edit_text = ?, edit_seqs = edit_seqs + ? \
        WHERE conversation = ? AND bucket = ? AND target_seq = ?",
    set_redacted: Write "UPDATE overlays USING TIMESTAMP ? SET redacted_seq = ? \
        WHERE conversation = ? AND bucket = ? AND target_seq = ?",
    erase_edit: Write "UPDATE overlays USING TIMESTAMP ? SET edit_text = '' \
        WHERE conversation = ? AND bucket = ? AND target_seq = ?",
    set_reaction: Write "UPDATE reactions USING TIMESTAMP ? SET on_ = ?, seq = ? WHERE \
        conversation = ? AND bucket = ? AND target_seq = ? AND emoji = ? AND user = ?",
    overlays: Read "SELECT target_seq, edit_seq, edit_at, edit_text, edit_seqs, redacted_seq \
        FROM overlays WHERE conversation = ? AND bucket = ? AND target_seq >= ? \
        AND target_seq <= ?",
    reactions: Read "SELECT target_seq, emoji, user, on_, seq FROM reactions \
        WHERE conversation = ? AND bucket = ? AND target_seq >= ? AND target_seq <= ?",

    // Cursors.
    cursor: Read "SELECT delivered_seq, read_seq, read_ord FROM cursors \
        WHERE user = ? AND conversation = ?",
    set_delivered: Write "UPDATE cursors USING TIMESTAMP ? SET delivered_seq = ? \
        WHERE user = ? AND conversation = ?",
    set_read: Write "UPDATE cursors USING TIMESTAMP ? SET read_seq = ?, read_ord = ? \
        WHERE user = ? AND conversation = ?",

    sent: Read "SELECT seq, ord FROM sent WHERE conversation = ? AND user = ?",
    set_sent: Write "UPDATE sent USING TIMESTAMP ? SET seq = ?, ord = ? \
        WHERE conversation = ? AND user = ?",

    // Accounts and presence.
    claim_name: Conditional "INSERT INTO usernames (username, user, password_hash, \
        display_name, created_at) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS",
    name: Read "SELECT user, password_hash, display_name, created_at FROM usernames \
        WHERE username = ?",
    name_serial: SerialRead "SELECT user, password_hash, display_name, created_at \
        FROM usernames WHERE username = ?",
    set_password: Conditional "UPDATE usernames SET password_hash = ? WHERE username = ? \
        IF password_hash = ?",
    release_name: Conditional "DELETE FROM usernames WHERE username = ? IF user = ?",
    add_user: Conditional "INSERT INTO users (user, username, display_name, created_at) \
        VALUES (?, ?, ?, ?) IF NOT EXISTS",
    user: Read "SELECT username, display_name, created_at FROM users WHERE user = ?",
    user_serial: SerialRead "SELECT username, display_name, created_at FROM users \
        WHERE user = ?",
    set_profile: Conditional "UPDATE users SET display_name = ? WHERE user = ? \
        IF display_name = ?",
    index_name: Write "INSERT INTO usernames_by_prefix (prefix, username, user) \
        VALUES (?, ?, ?) USING TIMESTAMP 1",
    names: Read "SELECT username, user FROM usernames_by_prefix \
        WHERE prefix = ? AND username >= ? AND username < ? LIMIT ?",
    index_word: Write "INSERT INTO name_words (prefix, word, user) VALUES (?, ?, ?)",
    remove_word: Write "DELETE FROM name_words WHERE prefix = ? AND word = ? AND user = ?",
    words: Read "SELECT user FROM name_words \
        WHERE prefix = ? AND word >= ? AND word < ? LIMIT ?",
    set_last_seen: Write "INSERT INTO last_seen (user, at) VALUES (?, ?) USING TIMESTAMP ?",
    last_seen: Read "SELECT at FROM last_seen WHERE user = ?",

    // Consents and boundaries.
    consent: Read "SELECT opened_seq, hidden_seq, asked FROM consents \
        WHERE user = ? AND conversation = ?",
    consents: Read "SELECT conversation, opened_seq, hidden_seq, asked FROM consents \
        WHERE user = ?",
    set_opened: Write "UPDATE consents USING TIMESTAMP ? SET opened_seq = ? \
        WHERE user = ? AND conversation = ?",
    set_hidden: Write "UPDATE consents USING TIMESTAMP ? SET hidden_seq = ? \
        WHERE user = ? AND conversation = ?",
    set_asked: Write "UPDATE consents SET asked = ? WHERE user = ? AND conversation = ?",
    boundary: Read "SELECT boundary FROM boundaries WHERE user = ?",
    boundary_serial: SerialRead "SELECT boundary FROM boundaries WHERE user = ?",
    set_boundary: Conditional "UPDATE boundaries SET boundary = ? WHERE user = ? \
        IF boundary = ?",

    // Logins.
    open_login: Conditional "INSERT INTO logins (login, user, device, created_at, used_at, \
        expires_at, current, previous, exchanged_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
        IF NOT EXISTS",
    index_login: Write "INSERT INTO logins_by_user (user, login) VALUES (?, ?) USING TIMESTAMP 1",
    unindex_login: Write "DELETE FROM logins_by_user USING TIMESTAMP 2 \
        WHERE user = ? AND login = ?",
    login: Read "SELECT login, user, device, created_at, used_at, expires_at, current, previous, \
        exchanged_at FROM logins WHERE login = ?",
    login_serial: SerialRead "SELECT login, user, device, created_at, used_at, expires_at, \
        current, previous, exchanged_at FROM logins WHERE login = ?",
    logins: Read "SELECT login FROM logins_by_user WHERE user = ?",
    rotate: Conditional "UPDATE logins SET current = ?, previous = ?, exchanged_at = ?, \
        used_at = ?, expires_at = ? WHERE login = ? IF current = ?",
    forget_previous: Conditional "UPDATE logins SET previous = null, exchanged_at = null \
        WHERE login = ? IF current = ?",
    keep_ended_login: Write "INSERT INTO revoked_logins (hour, login, user, until) \
        VALUES (?, ?, ?, ?) USING TTL ?",
    ended_logins: Read "SELECT login, user, until FROM revoked_logins WHERE hour = ?",
    ended_login: Read "SELECT login, user, until FROM revoked_logins WHERE hour = ? AND login = ?",
    end_login: Conditional "DELETE FROM logins WHERE login = ? IF user = ?",

    // Idempotency keys.
    claim_reply: Conditional "INSERT INTO replies (user, key, digest, conversation, claimed_at, \
        settled) VALUES (?, ?, ?, ?, ?, false) IF NOT EXISTS USING TTL ?",
    take_over_reply: Conditional "UPDATE replies USING TTL ? SET digest = ?, conversation = ?, \
        claimed_at = ?, settled = false WHERE user = ? AND key = ? \
        IF claimed_at = ? AND settled = false",
    settle_reply: Conditional "UPDATE replies USING TTL ? SET digest = ?, conversation = ?, \
        claimed_at = ?, settled = true WHERE user = ? AND key = ? IF conversation = ?",
    release_reply: Conditional "DELETE FROM replies WHERE user = ? AND key = ? \
        IF conversation = ? AND settled = false",
    reply_serial: SerialRead "SELECT digest, conversation, claimed_at, settled FROM replies \
        WHERE user = ? AND key = ?",

    // Invites.
    create_invite: Conditional "UPDATE invites SET conversation = ?, created_by = ?, \
        created_at = ?, expires_at = ?, max_uses = ?, used = ?, ended = false WHERE code = ? \
        IF conversation = null",
    invite: Read "SELECT conversation, created_by, created_at, expires_at, max_uses, used, ended \
        FROM invites WHERE code = ? LIMIT 1",
    invite_serial: SerialRead "SELECT conversation, created_by, created_at, expires_at, \
        max_uses, used, ended FROM invites WHERE code = ? LIMIT 1",
    invite_use_serial: SerialRead "SELECT client_id, base_seq FROM invites \
        WHERE code = ? AND user = ?",
    count_invite_use: Conditional "UPDATE invites SET used = ? WHERE code = ? \
        IF used = ? AND ended = false",
    set_invite_use: Conditional "UPDATE invites SET client_id = ?, base_seq = ? \
        WHERE code = ? AND user = ? IF client_id = ?",
    end_invite: Conditional "UPDATE invites SET ended = true WHERE code = ? IF ended = false",
    invite_slots: Read "SELECT slot, code FROM invite_slots WHERE conversation = ?",
    invite_slots_serial: SerialRead "SELECT slot, code FROM invite_slots WHERE conversation = ?",
    set_invite_slot: Conditional "UPDATE invite_slots SET code = ? WHERE conversation = ? \
        AND slot = ? IF code = ?",
    // Uploaded files.
    create_upload: Conditional "INSERT INTO attachments (attachment, revision, record) \
        VALUES (?, ?, ?) IF NOT EXISTS",
    upload: Read "SELECT record FROM attachments WHERE attachment = ?",
    upload_serial: SerialRead "SELECT record FROM attachments WHERE attachment = ?",
    replace_upload: Conditional "UPDATE attachments SET revision = ?, record = ? \
        WHERE attachment = ? IF revision = ?",
    remove_upload: Conditional "DELETE FROM attachments WHERE attachment = ? IF EXISTS",
    index_upload: Write "INSERT INTO attachments_by_owner (owner, attachment, bytes) \
        VALUES (?, ?, ?) USING TIMESTAMP 1",
    unindex_upload: Write "DELETE FROM attachments_by_owner USING TIMESTAMP 2 \
        WHERE owner = ? AND attachment = ?",
    upload_bytes: Read "SELECT bytes FROM attachments_by_owner WHERE owner = ?",
    set_due_upload: Write "INSERT INTO attachments_due (hour, due_at, attachment) \
        VALUES (?, ?, ?)",
    due_uploads: Read "SELECT due_at, attachment FROM attachments_due \
        WHERE hour = ? AND due_at >= ? AND due_at <= ? LIMIT ?",
    forget_due_upload: Write "DELETE FROM attachments_due \
        WHERE hour = ? AND due_at = ? AND attachment = ?",

    // Node numbers.
    own_node: Conditional "UPDATE nodes SET owner = ? WHERE node = ? IF alive = null",
    revive_node: Conditional "UPDATE nodes USING TTL ? SET alive = true WHERE node = ? \
        IF alive = null",
    renew_node: Conditional "UPDATE nodes USING TTL ? SET alive = true WHERE node = ? \
        IF owner = ?",
    free_node: Conditional "DELETE alive FROM nodes WHERE node = ? IF owner = ?",
    node_leases: Read "SELECT node, alive FROM nodes",
    node_marks: Read "SELECT node, mark FROM node_marks",
    set_node_mark: Write "INSERT INTO node_marks (node, mark) VALUES (?, ?) USING TIMESTAMP ?",
    node_serial: SerialRead "SELECT owner, alive FROM nodes WHERE node = ?",

    // Upkeep.
    probe: Read "SELECT version FROM settings WHERE id = 0",
}

#[cfg(test)]
mod tests {
    use scylla::policies::load_balancing::DefaultPolicy;

    use super::*;

    #[test]
    fn profiles_keep_the_load_balancing_and_conditional_ones_send_once() {
        let here = DefaultPolicy::builder().prefer_datacenter("here".to_owned()).build();
        let default = ExecutionProfile::builder().load_balancing_policy(here.clone()).build();
        let conditional = conditional_profile(&default, Duration::from_secs(1));
        let plain = plain_profile(&default);
        for profile in [&conditional, &plain] {
            assert!(Arc::ptr_eq(profile.get_load_balancing_policy(), &here));
        }
        assert!(conditional.get_speculative_execution_policy().is_none());
        assert!(format!("{:?}", conditional.get_retry_policy()).contains("Fallthrough"));
        assert!(plain.get_speculative_execution_policy().is_some());
        assert!(default.get_speculative_execution_policy().is_none());
    }
}
