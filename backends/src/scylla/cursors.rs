//! Cursors of members, moved by receipts and by sending. A cursor's value is also its timestamp, so
//! that the furthest one wins.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Cursor, Seq},
    port::Cursors,
};

use super::{
    buckets::bigint,
    rows::read_u64,
    store::{CqlStore, join_bounded},
};

/// Cursors in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaCursors(pub(super) Arc<CqlStore>);

/// Reads a stored cursor.
fn cursor(
    delivered: Option<i64>,
    read: Option<i64>,
    ord: Option<i64>,
) -> Result<Cursor, StoreError> {
    let value = |value: Option<i64>| read_u64(value.unwrap_or_default());
    let cursor = Cursor {
        delivered_seq: Seq::new(value(delivered)?),
        read_seq: Seq::new(value(read)?),
        read_ord: value(ord)?,
    };
    Ok(cursor.max(Cursor::default()))
}

impl CqlStore {
    async fn cursor(
        &self,
        user: UserId,
        conversation: ConversationId,
    ) -> Result<Cursor, StoreError> {
        let user = user.as_i64();
        let conversation = conversation.as_i64();
        let received = self.row(&self.statements.cursor, (user, conversation));
        let sent = self.row(&self.statements.sent, (conversation, user));
        let (received, sent) = futures_util::future::try_join(received, sent).await?;
        let (delivered, read, ord): (Option<i64>, Option<i64>, Option<i64>) =
            received.unwrap_or_default();
        let received = cursor(delivered, read, ord)?;
        let (sent, ord): (Option<i64>, Option<i64>) = sent.unwrap_or_default();
        Ok(received.max(cursor(sent, sent, ord)?))
    }

    /// Moves a cursor forward. The store ignores a move backward.
    async fn write_cursor(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Cursor,
    ) -> Result<(), StoreError> {
        let user = user.as_i64();
        let conversation = conversation.as_i64();
        let delivered = bigint(to.delivered_seq.get());
        let read = bigint(to.read_seq.get());
        let write_delivered = async {
            if delivered <= read {
                return Ok(());
            }
            let values = (delivered, delivered, user, conversation);
            self.write(&self.statements.set_delivered, values).await
        };
        let write_read = async {
            if read == 0 {
                return Ok(());
            }
            let values = (read, read, bigint(to.read_ord), user, conversation);
            self.write(&self.statements.set_read, values).await
        };
        futures_util::future::try_join(write_delivered, write_read).await.map(drop)
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
        let work = async {
            let before = self.0.cursor(user, conversation).await?;
            let after = before.max(to);
            if after == before {
                return Ok((before, false));
            }
            self.0.write_cursor(user, conversation, to).await?;
            Ok((after, true))
        };
        self.0.in_time(work).await
    }

    async fn of_user(
        &self,
        user: UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Cursor>, StoreError> {
        let cursors = conversations.iter().map(|conversation| self.0.cursor(user, *conversation));
        self.0.in_time(join_bounded(cursors.collect())).await
    }

    async fn of_conversation(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Cursor>, StoreError> {
        let cursors = users.iter().map(|user| self.0.cursor(*user, conversation));
        self.0.in_time(join_bounded(cursors.collect())).await
    }
}
