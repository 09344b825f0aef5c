//! Writes all projections again, from the logs alone. Gateways may run meanwhile: each write has
//! the timestamp of its entry, so that it overwrites nothing newer.

use std::sync::Arc;

use chat_core::{error::StoreError, id::ConversationId, model::Seq};
use futures_util::TryStreamExt;

use super::{
    rows::{ReadMode, corrupt},
    store::CqlStore,
};

/// How many conversations are rebuilt at the same time.
const PARALLEL: usize = 16;
/// How many entries are read and projected at once.
const PART: usize = 512;

/// How much a rebuild has written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Count of conversations.
    pub conversations: u64,
    /// Count of entries.
    pub entries: u64,
}

impl CqlStore {
    /// Writes the projections of every entry of every log.
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
        let head = self.head(conversation, ReadMode::Serial).await?;
        let mut done = Seq::ZERO;
        while done < head.seq {
            let entries = self.read(conversation, done, head.seq, PART).await?;
            let Some(last) = entries.last() else {
                return Err(corrupt(format!("conversation {conversation} ends before its head")));
            };
            self.write_views(&entries).await?;
            done = last.seq;
        }
        self.write_projected(conversation, head.projected_seq).await?;
        Ok(head.seq.get())
    }
}
