//! How far each member has received and read each log.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::Cursor,
};

/// Stores the members' cursors. A cursor only moves forward, field by field.
#[async_trait]
pub trait Cursors: Send + Sync + fmt::Debug {
    /// Moves the cursor to the further of its position and `to` ([`Cursor::max`]). Returns the
    /// new position, and true if it is further than before.
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Cursor,
    ) -> Result<(Cursor, bool), StoreError>;

    /// Returns the user's cursors in these conversations in the same order. A cursor that does not
    /// exist is the default.
    async fn of_user(
        &self,
        user: UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Cursor>, StoreError>;

    /// Returns these users' cursors in the conversation in the same order. A cursor that does not
    /// exist is the default.
    async fn of_conversation(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Cursor>, StoreError>;
}
