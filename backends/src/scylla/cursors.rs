//! How far each member has got: by receipts, and by sending. A cursor's own value is its timestamp:
//! the furthest wins.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Cursor, Seq},
    port::Cursors,
};

use super::{
    buckets::number,
    heads::unsigned,
    store::{Store, together},
};

/// Cursors in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaCursors(pub(super) Arc<Store>);

/// A cursor as it is stored.
fn cursor(
    delivered: Option<i64>,
    read: Option<i64>,
    ord: Option<i64>,
) -> Result<Cursor, StoreError> {
    let value = |value: Option<i64>| unsigned(value.unwrap_or_default());
    let cursor = Cursor {
        delivered_seq: Seq::new(value(delivered)?),
        read_seq: Seq::new(value(read)?),
        read_ord: value(ord)?,
    };
    Ok(cursor.max(Cursor::default()))
}

impl Store {
    async fn cursor(
        &self,
        user: UserId,
        conversation: ConversationId,
    ) -> Result<Cursor, StoreError> {
        let (user, conversation) = (user.as_i64(), conversation.as_i64());
        let received = self.row(&self.statements.cursor, (user, conversation));
        let sent = self.row(&self.statements.sent, (conversation, user));
        let (received, sent) = futures_util::future::try_join(received, sent).await?;
        let (delivered, read, ord): (Option<i64>, Option<i64>, Option<i64>) =
            received.unwrap_or_default();
        let received = cursor(delivered, read, ord)?;
        let (sent, ord): (Option<i64>, Option<i64>) = sent.unwrap_or_default();
        Ok(received.max(cursor(sent, sent, ord)?))
    }

    /// Moves a cursor to there, unless it is further.
    pub(super) async fn write_cursor(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Cursor,
    ) -> Result<(), StoreError> {
        let (user, conversation) = (user.as_i64(), conversation.as_i64());
        let (delivered, read) = (number(to.delivered_seq.get()), number(to.read_seq.get()));
        let delivering = async {
            if delivered <= read {
                return Ok(());
            }
            let values = (delivered, delivered, user, conversation);
            self.write(&self.statements.set_delivered, values).await
        };
        let reading = async {
            if read == 0 {
                return Ok(());
            }
            let values = (read, read, number(to.read_ord), user, conversation);
            self.write(&self.statements.set_read, values).await
        };
        futures_util::future::try_join(delivering, reading).await.map(drop)
    }

    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Cursor,
    ) -> Result<(Cursor, bool), StoreError> {
        let before = self.cursor(user, conversation).await?;
        let after = before.max(to);
        if after == before {
            return Ok((before, false));
        }
        self.write_cursor(user, conversation, to).await?;
        Ok((after, true))
    }
}

#[async_trait]
impl Cursors for ScyllaCursors {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Cursor,
    ) -> Result<(Cursor, bool), StoreError> {
        self.0.in_time(self.0.advance(user, conversation, to)).await
    }

    async fn of_user(
        &self,
        user: UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Cursor>, StoreError> {
        let cursors = conversations.iter().map(|conversation| self.0.cursor(user, *conversation));
        self.0.in_time(together(cursors.collect())).await
    }

    async fn of_conversation(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Cursor>, StoreError> {
        let cursors = users.iter().map(|user| self.0.cursor(*user, conversation));
        self.0.in_time(together(cursors.collect())).await
    }
}
