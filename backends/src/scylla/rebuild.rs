//! All projections again, from the logs alone. May run beside gateways: what it writes has the
//! version of its entry, so that nothing newer is overwritten.

use std::sync::Arc;

use chat_core::{error::StoreError, id::ConversationId, model::Seq};
use futures_util::TryStreamExt;

use super::{
    heads::Sight,
    store::{Store, corrupt},
};

/// Conversations at the same time.
const PARALLEL: usize = 16;
/// Entries that are read at once.
const PART: usize = 512;

/// What a rebuilding went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Conversations.
    pub conversations: u64,
    /// Entries.
    pub entries: u64,
}

impl Store {
    /// Projects every entry of every log.
    pub(super) async fn rebuild(self: &Arc<Self>) -> Result<Rebuilt, StoreError> {
        let unavailable =
            |error: &dyn std::fmt::Display| StoreError::Unavailable(error.to_string());
        let pages = self
            .session
            .query_iter("SELECT DISTINCT conversation, bucket FROM log", ())
            .await
            .map_err(|error| unavailable(&error))?;
        let found = pages.rows_stream::<(i64, i32)>().map_err(corrupt)?;
        found
            .map_err(|error| unavailable(&error))
            .try_filter_map(async |(conversation, bucket)| {
                Ok(ConversationId::from_i64(conversation).filter(|_| bucket == 0))
            })
            .map_ok(|conversation| self.rebuild_one(conversation))
            .try_buffer_unordered(PARALLEL)
            .try_fold(Rebuilt::default(), async |sum, entries| {
                let conversations = sum.conversations + 1;
                Ok(Rebuilt { conversations, entries: sum.entries + entries })
            })
            .await
    }

    async fn rebuild_one(
        self: &Arc<Self>,
        conversation: ConversationId,
    ) -> Result<u64, StoreError> {
        let head = self.head(conversation, Sight::Final).await?;
        let mut done = Seq::ZERO;
        while done < head.seq {
            let entries = self.read(conversation, done, head.seq, PART).await?;
            let Some(last) = entries.last() else {
                return Err(corrupt(format!("conversation {conversation} ends before its head")));
            };
            self.write_views(&entries).await?;
            done = last.seq;
        }
        self.move_projected(conversation, head.projected_seq).await?;
        Ok(head.seq.get())
    }
}
