//! The cursors of members.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::Cursor,
    port::Cursors,
};

use super::{
    changes::Txn,
    keys,
    spaces::Space,
    store::{Shared, Store},
};

/// The cursors of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedCursors(pub(super) Arc<Shared>);

/// Moves a cursor forward. Returns the cursor afterwards, and true if it moved.
fn advance(
    txn: &mut Txn<'_>,
    user: UserId,
    conversation: ConversationId,
    to: Cursor,
) -> Result<(Cursor, bool), StoreError> {
    let before = txn.cursor((user, conversation))?;
    let after = before.max(to);
    if after != before {
        txn.put(Space::Cursors, keys::cursor(user, conversation), &after);
    }
    Ok((after, after != before))
}

/// Returns the cursor, or the default cursor if it has never moved.
fn cursor(store: &Store, user: UserId, conversation: ConversationId) -> Result<Cursor, StoreError> {
    // First what a recent batch moved: it gets a row before it is dropped there.
    let moved = store.recent.cursor((user, conversation)).unwrap_or_default();
    let row = store.get(Space::Cursors, &keys::cursor(user, conversation))?;
    Ok(moved.max(row.unwrap_or_default()))
}

#[async_trait]
impl Cursors for EmbeddedCursors {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Cursor,
    ) -> Result<(Cursor, bool), StoreError> {
        self.0.change(64, move |txn| advance(txn, user, conversation, to)).await
    }

    async fn of_user(
        &self,
        user: UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Cursor>, StoreError> {
        let conversations = conversations.to_vec();
        self.0
            .read(move |store| {
                conversations.into_iter().map(|id| cursor(store, user, id)).collect()
            })
            .await
    }

    async fn of_conversation(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Cursor>, StoreError> {
        let users = users.to_vec();
        self.0
            .read(move |store| {
                users.into_iter().map(|user| cursor(store, user, conversation)).collect()
            })
            .await
    }
}
