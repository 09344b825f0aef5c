//! How far each member has got.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::Cursor,
};

/// How far each member has got. A cursor only moves forward, field by field.
#[async_trait]
pub trait Cursors: Send + Sync + fmt::Debug {
    /// Moves the cursor to the furthest of what it is and `to` (see [`Cursor::max`]), and tells
    /// where it is then, and whether that is further than before.
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Cursor,
    ) -> Result<(Cursor, bool), StoreError>;

    /// The user's cursors in these conversations, in this order; the default where there is none.
    async fn of_user(
        &self,
        user: UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Cursor>, StoreError>;

    /// These users' cursors in the conversation, in this order; the default where there is none.
    async fn of_conversation(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Cursor>, StoreError>;
}
