//! Compares what this gateway knows with the store.
//!
//! Hints get lost, sometimes without a trace. So the heads of live conversations and the memberships
//! of connected users are compared with the store periodically, more often while the bus is down, and
//! at once after a loss. Heads and memberships have a task each, so that neither delays the other.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet, time::Instant};

use super::super::Chat;
use crate::{
    conversation::Conversation,
    error::StoreError,
    id::{ConversationId, UserId},
    limits::{
        HEADS_MAX, MEMBERSHIPS_AT_ONCE_MAX, MEMBERSHIPS_ROUND_MAX, MEMBERSHIPS_WITHIN, STORE_PAUSE,
    },
    model::MembershipState,
    planted::{Bug, is_planted},
    port::Channel,
    revocations,
};

/// How often heads and a share of the memberships are compared. An entry whose hint was lost arrives
/// within five seconds, including the time to read it.
const COMPARE_EVERY: Duration = Duration::from_millis(4_800);
/// The same while the bus is down.
const COMPARE_EVERY_WITHOUT_BUS: Duration = Duration::from_secs(1);
/// How often the state of the bus is checked.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The number of shares in which memberships are compared.
const SHARES: u64 = 5;

const _: () = assert!(
    COMPARE_EVERY.as_millis() * (SHARES as u128 + 1) <= MEMBERSHIPS_WITHIN.as_millis(),
    "every user has a turn in time, with one to spare"
);

/// Requests for a comparison at once. Any number of them during a comparison cause one more.
#[derive(Debug, Default)]
pub(super) struct CompareRequests {
    heads: Notify,
    memberships: Notify,
}

impl CompareRequests {
    pub(super) fn raise(&self) {
        self.heads.notify_one();
        self.memberships.notify_one();
    }
}

/// Why it is time to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    Periodic,
    HintsLost,
}

/// The last comparison.
#[derive(Debug, Clone, Copy)]
struct LastComparison {
    trigger: Trigger,
    was_up: bool,
    has_failed: bool,
}

impl LastComparison {
    const NONE: Self = Self { trigger: Trigger::Periodic, was_up: true, has_failed: false };
}

/// Waits until the next comparison is due: at once when hints were lost or the bus goes down, soon
/// after the store failed, and more often while the bus is down.
async fn next(chat: &Chat, last: &LastComparison, requested: &Notify) -> Trigger {
    let LastComparison { trigger, was_up, has_failed } = *last;
    if trigger == Trigger::HintsLost {
        // If hints are lost all the time, comparing all the time would make it worse.
        tokio::time::sleep(COMPARE_EVERY_WITHOUT_BUS).await;
    }
    let pause = match (has_failed, was_up) {
        (true, _) => STORE_PAUSE,
        (false, true) => COMPARE_EVERY,
        (false, false) => COMPARE_EVERY_WITHOUT_BUS,
    };
    // Jitter: gateways that started together must not read together.
    let due =
        Instant::now() + pause * 9 / 10 + chat.context.ports.clock.fresh_id().jitter(pause / 10);
    let has_gone_down = || was_up && !chat.context.ports.bus.is_up();
    while Instant::now() < due && !has_gone_down() {
        let look = due.min(Instant::now() + LOOK_EVERY);
        // Cancel-safe: a request stays until it is taken.
        if tokio::time::timeout_at(look, requested.notified()).await.is_ok() {
            return Trigger::HintsLost;
        }
    }
    Trigger::Periodic
}

/// Compares the heads of live conversations.
pub(super) async fn heads(chat: Arc<Chat>, requests: Arc<CompareRequests>) {
    let mut last = LastComparison::NONE;
    loop {
        let trigger = next(&chat, &last, &requests.heads).await;
        let was_up = chat.context.ports.bus.is_up();
        let losses = chat.context.lost_hints.noted();
        // After a loss no kept head may be old, not even one to which nobody listens now.
        let has_losses = chat.context.lost_hints.are_pending();
        let mut conversations = chat.directory.all();
        conversations.retain(|one| has_losses || !one.is_idle());
        conversations.sort_unstable_by_key(|one| one.id);
        if is_planted(Bug::SkipsHeadCheck) {
            conversations.clear();
        }
        let compared = chat.compare_heads_of(&conversations).await;
        match &compared {
            Ok(()) if was_up => chat.context.lost_hints.compared(losses),
            Ok(()) => chat.context.lost_hints.note(),
            Err(error) => tracing::debug!(%error, "heads not compared"),
        }
        last = LastComparison { trigger, was_up, has_failed: compared.is_err() };
    }
}

/// Compares the memberships of connected users: a share of them each time, all after a loss.
pub(super) async fn memberships(chat: Arc<Chat>, requests: Arc<CompareRequests>) {
    let mut last = LastComparison::NONE;
    let mut failed = Vec::new();
    let mut turns = Turns::default();
    for round in (0..SHARES).cycle() {
        let trigger = next(&chat, &last, &requests.memberships).await;
        let was_up = chat.context.ports.bus.is_up();
        let connected = chat.context.users.connected();
        failed.extend(match trigger {
            Trigger::HintsLost => {
                chat.publish_revoked();
                connected
            }
            Trigger::Periodic if was_up => {
                connected.into_iter().filter(|user| share_of(*user) == round).collect()
            }
            Trigger::Periodic => turns.next(connected, MEMBERSHIPS_ROUND_MAX),
        });
        failed.sort_unstable();
        failed.dedup();
        failed = chat.compare_memberships_of(failed).await;
        last = LastComparison { trigger, was_up, has_failed: !failed.is_empty() };
    }
}

/// Returns the share of a user. The low bits of Snowflake ids are similar, so all bits are mixed.
fn share_of(user: UserId) -> u64 {
    (user.get().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % SHARES
}

/// Round-robin over the users, by id, when not all of them can be compared at once.
#[derive(Debug, Default)]
struct Turns {
    last: Option<UserId>,
}

impl Turns {
    /// Returns the next `count` of these ascending users.
    fn next(&mut self, mut users: Vec<UserId>, count: usize) -> Vec<UserId> {
        let first = users.partition_point(|user| Some(*user) <= self.last);
        users.rotate_left(first);
        users.truncate(count);
        self.last = users.last().copied().or(self.last);
        users
    }
}

impl Chat {
    pub(super) async fn compare_heads_of(
        &self,
        live: &[Arc<Conversation>],
    ) -> Result<(), StoreError> {
        for part in live.chunks(HEADS_MAX) {
            let ids: Vec<ConversationId> = part.iter().map(|one| one.id).collect();
            let heads = self.stores().log.heads(&ids).await?;
            for (conversation, head) in part.iter().zip(heads) {
                conversation.feed.learn_head(head.seq);
            }
        }
        Ok(())
    }

    /// Compares the memberships of these users, and returns those that the store did not answer for.
    pub(super) async fn compare_memberships_of(
        self: &Arc<Self>,
        users: Vec<UserId>,
    ) -> Vec<UserId> {
        let mut reads = JoinSet::new();
        let mut failed = Vec::new();
        for user in users {
            if reads.len() >= MEMBERSHIPS_AT_ONCE_MAX {
                failed.extend(reads.join_next().await.and_then(Result::ok).flatten());
            }
            reads.spawn(compare_memberships(self.clone(), user));
        }
        while let Some(read) = reads.join_next().await {
            failed.extend(read.ok().flatten());
        }
        failed
    }

    /// Publishes again which logins were ended here, because those hints may have been lost as well.
    fn publish_revoked(&self) {
        for ended in self
            .context
            .revoked
            .ended_by_this_gateway(self.context.ports.wall_clock.now())
            .chunks(revocations::HINT_LOGINS_MAX)
        {
            self.context.ports.bus.publish(Channel::Gateways, revocations::encode(ended));
        }
    }
}

async fn compare_memberships(chat: Arc<Chat>, user: UserId) -> Option<UserId> {
    match chat.context.standings(user).await {
        Ok(standings) => {
            let current = standings
                .iter()
                .filter(|one| one.state != MembershipState::Declined)
                .map(|one| one.membership.conversation)
                .collect();
            chat.context.users.each_session(user, |outbox| outbox.recheck_against(&current));
            None
        }
        Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) => Some(user),
        Err(error @ StoreError::Corrupt(_)) => {
            tracing::warn!(user.id = %user, %error, "memberships not compared");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_has_a_turn_while_users_come_and_go() {
        let users = |ids: &[u64]| ids.iter().filter_map(|id| UserId::new(*id)).collect::<Vec<_>>();
        let mut turns = Turns::default();
        assert_eq!(turns.next(users(&[1, 2, 3, 4, 5]), 2), users(&[1, 2]));
        assert_eq!(turns.next(users(&[1, 3, 4, 5]), 2), users(&[3, 4]));
        assert_eq!(turns.next(users(&[1, 2, 5, 6]), 3), users(&[5, 6, 1]));
        assert_eq!(turns.next(Vec::new(), 3), []);
        assert_eq!(turns.next(users(&[1, 2]), 3), users(&[2, 1]));
    }
}
