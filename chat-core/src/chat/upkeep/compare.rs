//! What this gateway has heard, compared with the store.
//!
//! Hints get lost, here or on their way, and nobody may be there to notice: so the heads of live
//! conversations, and whose members the users here are, are compared with the store from time to
//! time, more often while hints do not pass, and at once after they were lost. One task compares
//! heads and another one memberships: what there is much of holds nothing up.

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
    port::Channel,
    revocations,
};

/// How often, at the least, heads and a share of the memberships are compared: what a lost hint told
/// arrives within five seconds, with the time that reading it takes.
const COMPARE_EVERY: Duration = Duration::from_millis(4_800);
/// The same while hints do not pass.
const COMPARE_EVERY_WITHOUT_BUS: Duration = Duration::from_secs(1);
/// How often it is seen whether they do.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Shares in which memberships are compared.
const SHARES: u64 = 5;

const _: () = assert!(
    COMPARE_EVERY.as_millis() * (SHARES as u128 + 1) <= MEMBERSHIPS_WITHIN.as_millis(),
    "everybody has a turn in time, with one to spare"
);

/// That hints may have been lost. Raised any number of times during a comparison, it is one more.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    heads: Notify,
    memberships: Notify,
}

impl Doubts {
    pub(super) fn raise(&self) {
        self.heads.notify_one();
        self.memberships.notify_one();
    }
}

/// Why it is time to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Due,
    InDoubt,
}

/// The last comparison.
#[derive(Debug, Clone, Copy)]
struct Last {
    why: Why,
    was_up: bool,
    has_failed: bool,
}

impl Last {
    const NONE: Self = Self { why: Why::Due, was_up: true, has_failed: false };
}

/// Waits for the next comparison: more often while hints do not pass, at once when they cease or
/// were lost, and soon where the store did not answer the last one.
async fn next(chat: &Chat, last: &Last, doubt: &Notify) -> Why {
    let Last { why, was_up, has_failed } = *last;
    if why == Why::InDoubt {
        // Where hints are lost all the time, comparing all the time would only make it worse.
        tokio::time::sleep(COMPARE_EVERY_WITHOUT_BUS).await;
    }
    let pause = match (has_failed, was_up) {
        (true, _) => STORE_PAUSE,
        (false, true) => COMPARE_EVERY,
        (false, false) => COMPARE_EVERY_WITHOUT_BUS,
    };
    // Gateways that started together must not ask together.
    let due = Instant::now() + pause * 9 / 10 + chat.ports.clock.fresh_id().millis_of(pause / 10);
    let has_ceased = || was_up && !chat.ports.bus.is_up();
    while Instant::now() < due && !has_ceased() {
        let look = due.min(Instant::now() + LOOK_EVERY);
        // Cancel-safe: a doubt that is raised stays until it is taken.
        if tokio::time::timeout_at(look, doubt.notified()).await.is_ok() {
            return Why::InDoubt;
        }
    }
    Why::Due
}

/// Compares the heads of live conversations.
pub(super) async fn heads(chat: Arc<Chat>, doubts: Arc<Doubts>) {
    let mut last = Last::NONE;
    loop {
        let why = next(&chat, &last, &doubts.heads).await;
        let was_up = chat.ports.bus.is_up();
        let compared = chat.compare_heads().await;
        if let Err(error) = &compared {
            tracing::debug!(%error, "heads not compared");
        }
        last = Last { why, was_up, has_failed: compared.is_err() };
    }
}

/// Compares whose members the users here are: a share of them each time, all of them in doubt.
pub(super) async fn memberships(chat: Arc<Chat>, doubts: Arc<Doubts>) {
    let (mut last, mut left, mut turns) = (Last::NONE, Vec::new(), Turns::default());
    for round in (0..SHARES).cycle() {
        let why = next(&chat, &last, &doubts.memberships).await;
        let was_up = chat.ports.bus.is_up();
        let here = chat.ports.users.here();
        left.extend(match why {
            Why::InDoubt => {
                chat.tell_revoked();
                here
            }
            Why::Due if was_up => {
                here.into_iter().filter(|user| share_of(*user) == round).collect()
            }
            Why::Due => turns.next(here, MEMBERSHIPS_ROUND_MAX),
        });
        left.sort_unstable();
        left.dedup();
        left = chat.compare_memberships_of(left).await;
        last = Last { why, was_up, has_failed: !left.is_empty() };
    }
}

/// The share that a user is in: the counter bits of Snowflakes are alike, so all bits are mixed in.
fn share_of(user: UserId) -> u64 {
    (user.get().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % SHARES
}

/// Whose turn it is where not all can be asked, by id.
#[derive(Debug, Default)]
struct Turns {
    last: Option<UserId>,
}

impl Turns {
    /// The next so many of these, which are ascending.
    fn next(&mut self, mut users: Vec<UserId>, count: usize) -> Vec<UserId> {
        let first = users.partition_point(|user| Some(*user) <= self.last);
        users.rotate_left(first);
        users.truncate(count);
        self.last = users.last().copied().or(self.last);
        users
    }
}

impl Chat {
    async fn compare_heads(&self) -> Result<(), StoreError> {
        let live: Vec<_> = self.directory.all().into_iter().filter(|one| !one.is_quiet()).collect();
        self.compare_heads_of(&live).await
    }

    pub(super) async fn compare_heads_of(
        &self,
        live: &[Arc<Conversation>],
    ) -> Result<(), StoreError> {
        for part in live.chunks(HEADS_MAX) {
            let ids: Vec<ConversationId> = part.iter().map(|one| one.id()).collect();
            let heads = self.ports.stores.log.heads(&ids).await?;
            for (conversation, head) in part.iter().zip(heads) {
                conversation.heard_head(head.seq);
            }
        }
        Ok(())
    }

    /// Compares the memberships of these users; gives those of whom the store told nothing.
    pub(super) async fn compare_memberships_of(
        self: &Arc<Self>,
        users: Vec<UserId>,
    ) -> Vec<UserId> {
        let (mut reads, mut left) = (JoinSet::new(), Vec::new());
        for user in users {
            if reads.len() >= MEMBERSHIPS_AT_ONCE_MAX {
                left.extend(reads.join_next().await.and_then(Result::ok).flatten());
            }
            reads.spawn(compare_memberships(self.clone(), user));
        }
        while let Some(read) = reads.join_next().await {
            left.extend(read.ok().flatten());
        }
        left
    }

    /// Tells the others again which logins were ended here: that may have been lost as well.
    fn tell_revoked(&self) {
        for ended in
            self.ports.revoked.in_force(self.ports.clock.now()).chunks(revocations::HINT_MAX)
        {
            self.ports.bus.publish(Channel::Gateways, revocations::encode_all(ended));
        }
    }
}

async fn compare_memberships(chat: Arc<Chat>, user: UserId) -> Option<UserId> {
    match chat.ports.stores.conversations.of_user(user).await {
        Ok(memberships) => {
            let yours = memberships.iter().map(|one| one.conversation).collect();
            chat.ports.users.each_of(user, |outbox| outbox.compare(&yours));
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
    fn everybody_has_a_turn_also_while_people_come_and_go() {
        let users = |ids: &[u64]| ids.iter().filter_map(|id| UserId::new(*id)).collect::<Vec<_>>();
        let mut turns = Turns::default();
        assert_eq!(turns.next(users(&[1, 2, 3, 4, 5]), 2), users(&[1, 2]));
        assert_eq!(turns.next(users(&[1, 3, 4, 5]), 2), users(&[3, 4]));
        assert_eq!(turns.next(users(&[1, 2, 5, 6]), 3), users(&[5, 6, 1]));
        assert_eq!(turns.next(Vec::new(), 3), []);
        assert_eq!(turns.next(users(&[1, 2]), 3), users(&[2, 1]));
    }
}
