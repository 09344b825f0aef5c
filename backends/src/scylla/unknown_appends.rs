//! Appends whose outcome is still unknown.
//!
//! After an unknown outcome, the next read of that conversation's head must be serial, because only
//! a serial read completes or discards the append in flight. Other reads stay cheap.

use std::collections::HashMap;

use chat_core::id::ConversationId;
use metrics::counter;
use parking_lot::Mutex;

/// How many conversations are remembered. When the map is full, every conversation is treated as
/// unknown.
const CONVERSATIONS_MAX: usize = 65_536;

/// Conversations with an append whose outcome is unknown.
#[derive(Debug, Default)]
pub(super) struct UnknownAppends(Mutex<Unsettled>);

#[derive(Debug, Default)]
struct Unsettled {
    /// For each conversation, the number of its latest unknown append.
    conversations: HashMap<ConversationId, u64>,
    next_number: u64,
}

/// A serial read of a head, which settles the unknown appends before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadCheck {
    next_number: u64,
}

impl UnknownAppends {
    /// Remembers that an append to the conversation ended with an unknown outcome.
    pub(super) fn add(&self, conversation: ConversationId) {
        let mut unsettled = self.0.lock();
        let number = unsettled.next_number;
        unsettled.next_number += 1;
        let has_room = unsettled.conversations.len() < CONVERSATIONS_MAX;
        if has_room || unsettled.conversations.contains_key(&conversation) {
            unsettled.conversations.insert(conversation, number);
        }
    }

    /// Starts a check if the conversation's next read must be serial.
    pub(super) fn begin_check(&self, conversation: ConversationId) -> Option<HeadCheck> {
        let unsettled = self.0.lock();
        let is_full = unsettled.conversations.len() >= CONVERSATIONS_MAX;
        let is_unknown = is_full || unsettled.conversations.contains_key(&conversation);
        is_unknown.then_some(HeadCheck { next_number: unsettled.next_number })
    }

    /// Forgets the conversation's unknown appends from before the check, which was answered.
    pub(super) fn end_check(&self, conversation: ConversationId, check: HeadCheck) {
        let mut unsettled = self.0.lock();
        let latest = unsettled.conversations.get(&conversation);
        if latest.is_some_and(|number| *number < check.next_number) {
            unsettled.conversations.remove(&conversation);
        }
    }
}

/// Counts an attempt to append whose answer was lost or unreliable.
pub(super) fn count_unknown() {
    counter!("confab_appends_unknown_total").increment(1);
}

/// Counts what a serial read found about such an attempt.
pub(super) fn count_settled(is_applied: bool) {
    if is_applied {
        counter!("confab_appends_unknown_done_total").increment(1);
    } else {
        counter!("confab_appends_unknown_not_done_total").increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_check_settles_only_the_appends_before_it() {
        let unknown = UnknownAppends::default();
        let conversation = ConversationId::new(1).unwrap();
        assert!(unknown.begin_check(conversation).is_none());
        unknown.add(conversation);
        let check = unknown.begin_check(conversation).unwrap();
        unknown.add(conversation);
        unknown.end_check(conversation, check);
        let check = unknown.begin_check(conversation).unwrap();
        unknown.end_check(conversation, check);
        assert!(unknown.begin_check(conversation).is_none());
    }
}
