//! The logs of all conversations.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log},
    versioned,
};
use tokio::time::timeout_at;

use super::{
    append::key,
    buckets::{column, number},
    heads::Sight,
    settle::{Look, Settled, settle, unknown_after_write},
    store::{Store, corrupt, together},
};

/// Entries whose texts are taken out by one conditional batch.
const ERASED_MAX: usize = 64;

/// Logs in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaLog(pub(super) Arc<Store>);

impl Store {
    /// Removes the texts of entries. May be repeated whatever became of an earlier call, because
    /// what it writes depends on the entries alone.
    pub(super) async fn erase(
        self: &Arc<Self>,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<(), StoreError> {
        let texts = seqs.iter().map(async |seq| {
            let found = self.read(conversation, seq.previous(), *seq, 1).await?;
            let entry = found.into_iter().next();
            Ok(entry.and_then(|entry| Some(Entry { body: entry.body.without_text()?, ..entry })))
        });
        let mut buckets: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
        for erased in together(texts.collect()).await?.into_iter().flatten() {
            buckets.entry(self.buckets.of_seq(erased.seq)).or_default().push(erased);
        }
        let batches = buckets.values().flat_map(|erased| erased.chunks(ERASED_MAX));
        for (nth, erased) in batches.enumerate() {
            let outcome = self.erase_batch(erased).await;
            if nth > 0 { outcome.map_err(unknown_after_write)? } else { outcome? }
        }
        Ok(())
    }

    /// Stores these entries of one bucket, whose texts are gone. They share a batch because
    /// separate conditional writes to one partition would contend.
    async fn erase_batch(&self, erased: &[Entry]) -> Result<(), StoreError> {
        let Some(first) = erased.first() else { return Ok(()) };
        let values = erased.iter().map(|entry| {
            let bucket = column(self.buckets.of_seq(entry.seq));
            let conversation = entry.conversation.as_i64();
            (versioned::encode(&entry.body), conversation, bucket, number(entry.seq.get()))
        });
        let values: Vec<_> = values.collect();
        let settled = settle(
            self.deadline(),
            Some(()),
            async |()| {
                let statements = vec![self.statements.erase.clone(); values.len()];
                self.write_batch_if(statements, &values[..]).await
            },
            async |_| match self.final_entry(first.conversation, first.seq).await? {
                Some(stored) if stored.body == first.body => Ok(Look::NotApplied(())),
                Some(_) => Ok(Look::Attempt(())),
                None => Err(corrupt("an entry that was read is gone")),
            },
        );
        match settled.await? {
            Settled::Applied(()) | Settled::NotApplied(()) => Ok(()),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn head_now(self: &Arc<Self>, conversation: ConversationId) -> Result<Head, StoreError> {
        if !self.doubts.contains(conversation) {
            let store = self.clone();
            let read = async move { store.head(conversation, Sight::Acknowledged).await };
            return self.heads.join(conversation, read).await;
        }
        let asked = self.doubts.ask();
        let head = self.head(conversation, Sight::Final).await?;
        self.doubts.clear(conversation, asked);
        Ok(head)
    }

    async fn find(
        self: &Arc<Self>,
        conversation: ConversationId,
        key: &[u8],
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        // The head first: its serial read settles what is in flight, at an edge the next bucket's.
        let head = self.head(conversation, Sight::Final).await?;
        if head.seq == Seq::ZERO {
            return Ok(None);
        }
        let newest = self.buckets.of_seq(head.seq);
        let oldest = self.buckets.of_seq(base.next()).min(newest.saturating_sub(1));
        let keys = [key];
        let looked = (oldest..=newest).map(|bucket| {
            // What has a successor is sealed and settled.
            let sight = if bucket == newest { Sight::Final } else { Sight::Acknowledged };
            self.keyed(conversation, bucket, &keys, sight)
        });
        match together(looked.collect()).await?.into_iter().flatten().next() {
            Some((_, seq)) => self.entry(conversation, seq).await.map(Some),
            None => Ok(None),
        }
    }
}

#[async_trait]
impl Log for ScyllaLog {
    fn room(&self, after: Seq) -> usize {
        usize::try_from(self.0.buckets.room(after)).unwrap_or(usize::MAX)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        self.0.append(append).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.0.in_time(self.0.read(conversation, after, to, limit)).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        let heads = conversations.iter().map(|one| self.0.head_now(*one));
        self.0.in_time(together(heads.collect())).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        let key = key(sender, client_id);
        self.0.in_time(self.0.find(conversation, &key, base)).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        let erased = timeout_at(self.0.deadline(), self.0.erase(conversation, seqs)).await;
        erased.unwrap_or_else(|_| Err(StoreError::Unknown("no answer in time".to_owned())))
    }
}
