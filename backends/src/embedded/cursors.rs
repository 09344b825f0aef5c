//! How far each member has got.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::Cursor,
    port::Cursors,
};
use fjall::UserValue;

use super::{
    changes::Txn,
    keys,
    spaces::Space,
    store::{Shared, Store},
    values,
};

/// The cursors of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedCursors(pub(super) Arc<Shared>);

/// Moves a cursor forward; where it is then, and whether that is further than before.
pub(super) fn advance(
    txn: &mut Txn<'_>,
    user: UserId,
    conversation: ConversationId,
    to: Cursor,
) -> Result<(Cursor, bool), StoreError> {
    let key = keys::cursor(user, conversation);
    let before = stored(txn.get(Space::Cursors, &key)?)?;
    let after = before.max(to);
    if after != before {
        txn.put(Space::Cursors, key, values::cursor(&after));
    }
    Ok((after, after != before))
}

fn stored(value: Option<UserValue>) -> Result<Cursor, StoreError> {
    value.map_or(Ok(Cursor::default()), |value| values::read_cursor(&value))
}

fn all(
    store: &Store,
    of: impl Iterator<Item = (UserId, ConversationId)>,
) -> Result<Vec<Cursor>, StoreError> {
    of.map(|(user, conversation)| {
        stored(store.get(Space::Cursors, &keys::cursor(user, conversation))?)
    })
    .collect()
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
            .read(move |store| all(store, conversations.into_iter().map(|other| (user, other))))
            .await
    }

    async fn of_conversation(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Cursor>, StoreError> {
        let users = users.to_vec();
        self.0
            .read(move |store| all(store, users.into_iter().map(|user| (user, conversation))))
            .await
    }
}
