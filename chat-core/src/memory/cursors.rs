//! Cursors in memory.

use std::collections::HashMap;

use async_trait::async_trait;

use super::state::Shared;
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::Cursor,
    port,
};

pub(super) fn advance(
    cursors: &mut HashMap<(UserId, ConversationId), Cursor>,
    user: UserId,
    conversation: ConversationId,
    to: Cursor,
) -> (Cursor, bool) {
    let cursor = cursors.entry((user, conversation)).or_default();
    let before = *cursor;
    *cursor = before.max(to);
    (*cursor, *cursor != before)
}

/// Cursors in memory.
#[derive(Debug)]
pub struct MemoryCursors(pub(super) Shared);

impl MemoryCursors {
    fn get(&self, keys: impl Iterator<Item = (UserId, ConversationId)>) -> Vec<Cursor> {
        let cursors = &self.0.lock().cursors;
        keys.map(|key| cursors.get(&key).copied().unwrap_or_default()).collect()
    }
}

#[async_trait]
impl port::Cursors for MemoryCursors {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Cursor,
    ) -> Result<(Cursor, bool), StoreError> {
        Ok(advance(&mut self.0.lock().cursors, user, conversation, to))
    }

    async fn of_user(
        &self,
        user: UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Cursor>, StoreError> {
        Ok(self.get(conversations.iter().map(|conversation| (user, *conversation))))
    }

    async fn of_conversation(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Cursor>, StoreError> {
        Ok(self.get(users.iter().map(|user| (*user, conversation))))
    }
}
