//! Every statement, prepared once. What a statement may do is part of how it is prepared: reads and
//! plain writes are retried by the driver, and sent to a second node where the first is slow;
//! conditional writes never are. All go the way that the session goes: conditional writes that other
//! datacenters coordinate would be decided apart from ours.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session},
    errors::PrepareError,
    policies::{
        retry::FallthroughRetryPolicy, speculative_execution::SimpleSpeculativeExecutionPolicy,
    },
    statement::{Consistency, SerialConsistency, prepared::PreparedStatement},
};

/// How long a read or a plain write goes unanswered before a second node is asked as well.
const SECOND_AFTER: Duration = Duration::from_millis(200);

/// How a statement is sent.
#[derive(Clone, Copy)]
enum Manner {
    /// A read that sees all that was acknowledged.
    Read,
    /// A read that also finishes or buries the conditional write in flight.
    Serial,
    /// A write with its own timestamp, the same however often it is sent.
    Write,
    /// A conditional write: sent once, and whoever hears no answer has to read.
    Conditional,
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $manner:ident $cql:literal,)+) => {
        /// Every statement.
        pub(super) struct Statements {
            $($(#[$doc])* pub(super) $name: PreparedStatement,)+
            /// How conditional batches are sent.
            pub(super) conditional: scylla::client::execution_profile::ExecutionProfileHandle,
            /// How batches of plain writes are sent.
            pub(super) plain: scylla::client::execution_profile::ExecutionProfileHandle,
        }

        impl Statements {
            /// Prepares all of them.
            pub(super) async fn prepare(
                session: &Session,
                timeout: Duration,
            ) -> Result<Self, PrepareError> {
                let usual = session.get_default_execution_profile_handle().to_profile();
                let conditional = conditional(&usual, timeout).into_handle();
                let plain = plain(&usual).into_handle();
                let all = [$((Manner::$manner, $cql)),+];
                let prepared = all.map(|(manner, cql)| {
                    let profile = match manner {
                        Manner::Read | Manner::Write => Some(plain.clone()),
                        Manner::Serial => None,
                        Manner::Conditional => Some(conditional.clone()),
                    };
                    async move {
                        let mut statement = session.prepare(cql).await?;
                        set_manner(&mut statement, manner);
                        statement.set_execution_profile_handle(profile);
                        Ok::<_, PrepareError>(statement)
                    }
                });
                let mut prepared = try_join_all(prepared).await?.into_iter();
                Ok(Self {
                    $($name: prepared.next().ok_or(PrepareError::PreparedStatementIdsMismatch)?,)+
                    conditional,
                    plain,
                })
            }
        }
    };
}

/// The session's way, once: one node is asked. What has no answer after less than half of a call's
/// time is unknown, and there is time to find out and, where that is safe, to send it again.
fn conditional(usual: &ExecutionProfile, statement_within: Duration) -> ExecutionProfile {
    usual
        .to_builder()
        .request_timeout(Some(statement_within * 9 / 20))
        .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
        .speculative_execution_policy(None)
        .build()
}

/// The session's way, and a second node where the first is slow.
fn plain(usual: &ExecutionProfile) -> ExecutionProfile {
    let second =
        SimpleSpeculativeExecutionPolicy { max_retry_count: 1, retry_interval: SECOND_AFTER };
    usual.to_builder().speculative_execution_policy(Some(Arc::new(second))).build()
}

fn set_manner(statement: &mut PreparedStatement, manner: Manner) {
    let (consistency, is_idempotent) = match manner {
        Manner::Read | Manner::Write => (Consistency::LocalQuorum, true),
        Manner::Serial => (Consistency::LocalSerial, true),
        Manner::Conditional => (Consistency::LocalQuorum, false),
    };
    statement.set_consistency(consistency);
    statement.set_serial_consistency(Some(SerialConsistency::LocalSerial));
    statement.set_is_idempotent(is_idempotent);
}

impl std::fmt::Debug for Statements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("statements")
    }
}

statements! {
    // The log.
    head: Read "SELECT head, head_ord, head_at, text_seq, projected_seq, members, owners \
        FROM log WHERE conversation = ? AND bucket = ? LIMIT 1",
    head_serial: Serial "SELECT head, head_ord, head_at, text_seq, projected_seq, members, owners \
        FROM log WHERE conversation = ? AND bucket = ? LIMIT 1",
    entries: Read "SELECT head, seq, id, sender, client_id, kind, at, ord, body FROM log \
        WHERE conversation = ? AND bucket = ? AND part = 0 AND seq >= ? AND seq <= ?",
    entries_serial: Serial "SELECT head, seq, id, sender, client_id, kind, at, ord, body FROM log \
        WHERE conversation = ? AND bucket = ? AND part = 0 AND seq >= ? AND seq <= ?",
    keys: Read "SELECT key, ref_seq FROM log \
        WHERE conversation = ? AND bucket = ? AND part = 1 AND seq = 0 AND key IN ?",
    keys_serial: Serial "SELECT key, ref_seq FROM log \
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
    conversation: Read "SELECT kind, title, created_at FROM conversations WHERE conversation = ?",
    conversation_serial: Serial "SELECT kind, title, created_at FROM conversations \
        WHERE conversation = ?",
    view: Read "SELECT title, projected_seq FROM views WHERE conversation = ?",
    set_title: Write "UPDATE views USING TIMESTAMP ? SET title = ? WHERE conversation = ?",
    set_projected: Write "UPDATE views USING TIMESTAMP ? SET projected_seq = ? \
        WHERE conversation = ?",
    direct: Conditional "INSERT INTO directs (low, high, conversation) VALUES (?, ?, ?) \
        IF NOT EXISTS",
    direct_serial: Serial "SELECT conversation FROM directs WHERE low = ? AND high = ?",
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

    // People.
    claim_name: Conditional "INSERT INTO usernames (username, user, password_hash, \
        display_name, created_at) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS",
    name: Read "SELECT user, password_hash, display_name, created_at FROM usernames \
        WHERE username = ?",
    name_serial: Serial "SELECT user, password_hash, display_name, created_at FROM usernames \
        WHERE username = ?",
    add_user: Conditional "INSERT INTO users (user, username, display_name, created_at) \
        VALUES (?, ?, ?, ?) IF NOT EXISTS",
    user: Read "SELECT username, display_name, created_at FROM users WHERE user = ?",
    user_serial: Serial "SELECT username, display_name, created_at FROM users WHERE user = ?",
    set_profile: Conditional "UPDATE users SET display_name = ? WHERE user = ? \
        IF display_name = ?",
    index_name: Write "INSERT INTO usernames_by_prefix (prefix, username, user) \
        VALUES (?, ?, ?) USING TIMESTAMP 1",
    names: Read "SELECT username, user FROM usernames_by_prefix \
        WHERE prefix = ? AND username >= ? AND username < ? LIMIT ?",
    set_last_seen: Write "INSERT INTO last_seen (user, at) VALUES (?, ?) USING TIMESTAMP ?",
    last_seen: Read "SELECT at FROM last_seen WHERE user = ?",

    // Devices.
    open_login: Conditional "INSERT INTO logins (login, user, device, created_at, used_at, \
        expires_at, current, previous, exchanged_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
        IF NOT EXISTS",
    index_login: Write "INSERT INTO logins_by_user (user, login) VALUES (?, ?) USING TIMESTAMP 1",
    unindex_login: Write "DELETE FROM logins_by_user USING TIMESTAMP 2 \
        WHERE user = ? AND login = ?",
    login: Read "SELECT login, user, device, created_at, used_at, expires_at, current, previous, \
        exchanged_at FROM logins WHERE login = ?",
    login_serial: Serial "SELECT login, user, device, created_at, used_at, expires_at, current, \
        previous, exchanged_at FROM logins WHERE login = ?",
    logins: Read "SELECT login FROM logins_by_user WHERE user = ?",
    rotate: Conditional "UPDATE logins SET current = ?, previous = ?, exchanged_at = ?, \
        used_at = ?, expires_at = ? WHERE login = ? IF current = ?",
    end_login: Conditional "DELETE FROM logins WHERE login = ? IF user = ?",

    // Answers under idempotency keys.
    claim_reply: Conditional "INSERT INTO replies (user, key, digest, conversation, claimed_at, \
        settled) VALUES (?, ?, ?, ?, ?, false) IF NOT EXISTS USING TTL ?",
    take_over_reply: Conditional "UPDATE replies USING TTL ? SET digest = ?, conversation = ?, \
        claimed_at = ?, settled = false WHERE user = ? AND key = ? \
        IF claimed_at = ? AND settled = false",
    settle_reply: Conditional "UPDATE replies USING TTL ? SET digest = ?, conversation = ?, \
        claimed_at = ?, settled = true WHERE user = ? AND key = ? IF conversation = ?",
    release_reply: Conditional "DELETE FROM replies WHERE user = ? AND key = ? \
        IF conversation = ? AND settled = false",
    reply_serial: Serial "SELECT digest, conversation, claimed_at, settled FROM replies \
        WHERE user = ? AND key = ?",

    // Node numbers.
    own_node: Conditional "UPDATE nodes SET owner = ? WHERE node = ? IF alive = null",
    revive_node: Conditional "UPDATE nodes USING TTL ? SET alive = true WHERE node = ? \
        IF alive = null",
    renew_node: Conditional "UPDATE nodes USING TTL ? SET alive = true WHERE node = ? \
        IF owner = ?",
    free_node: Conditional "DELETE alive FROM nodes WHERE node = ? IF owner = ?",
    node_serial: Serial "SELECT owner, alive FROM nodes WHERE node = ?",

    // Upkeep.
    probe: Read "SELECT version FROM settings WHERE id = 0",
}

#[cfg(test)]
mod tests {
    use scylla::policies::load_balancing::DefaultPolicy;

    use super::*;

    #[test]
    fn all_statements_go_where_the_session_goes_and_conditional_ones_once() {
        let here = DefaultPolicy::builder().prefer_datacenter("here".to_owned()).build();
        let usual = ExecutionProfile::builder().load_balancing_policy(here.clone()).build();
        let (conditional, plain) = (conditional(&usual, Duration::from_secs(1)), plain(&usual));
        for profile in [&conditional, &plain] {
            assert!(Arc::ptr_eq(profile.get_load_balancing_policy(), &here));
        }
        assert!(conditional.get_speculative_execution_policy().is_none());
        assert!(format!("{:?}", conditional.get_retry_policy()).contains("Fallthrough"));
        assert!(plain.get_speculative_execution_policy().is_some());
        assert!(usual.get_speculative_execution_policy().is_none());
    }
}
