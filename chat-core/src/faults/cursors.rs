//! Cursors whose calls follow a test's instructions.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Call, Faults};
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::Cursor,
    port::Cursors,
};

#[derive(Debug)]
pub(super) struct FaultyCursors {
    pub(super) inner: Arc<dyn Cursors>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl Cursors for FaultyCursors {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Cursor,
    ) -> Result<(Cursor, bool), StoreError> {
        self.faults.run(Call::AdvanceCursor, self.inner.advance(user, conversation, to)).await
    }

    async fn of_user(
        &self,
        user: UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Cursor>, StoreError> {
        self.faults.run(Call::CursorsOfUser, self.inner.of_user(user, conversations)).await
    }

    async fn of_conversation(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Cursor>, StoreError> {
        self.faults
            .run(Call::CursorsOfConversation, self.inner.of_conversation(conversation, users))
            .await
    }
}
