//! The logs.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    limits::APPEND_ENTRIES_MAX,
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log},
};

use super::{
    append::{Prepared, missing},
    changes::Txn,
    keys,
    spaces::Space,
    store::{Shared, Store},
    values,
};

/// The logs of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedLog(pub(super) Arc<Shared>);

#[async_trait]
impl Log for EmbeddedLog {
    fn room(&self, _after: Seq) -> usize {
        APPEND_ENTRIES_MAX
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        let prepared = Prepared::new(&append)?;
        self.0.change(prepared.bytes(), move |txn| prepared.stage(txn)).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.0.read(move |store| read_entries(store, conversation, after, to, limit)).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.0.settle_abandoned().await?;
        let known = |id: &ConversationId| self.0.store.heads.get(*id);
        if let Some(heads) = conversations.iter().map(known).collect() {
            return Ok(heads);
        }
        let conversations = conversations.to_vec();
        self.0.read(move |store| conversations.into_iter().map(|id| store.head(id)).collect()).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        _base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        self.0.settle_abandoned().await?;
        let key = keys::idempotency(conversation, sender, client_id);
        self.0
            .read(move |store| {
                let Some(seq) = store.get(Space::Keys, &key)? else { return Ok(None) };
                let seq = values::read_seq(&seq)?;
                match store.get(Space::Entries, &keys::entry(conversation, seq))? {
                    Some(value) => values::read_entry(conversation, &value).map(Some),
                    None => Err(missing(conversation, seq)),
                }
            })
            .await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        let seqs = seqs.to_vec();
        let erase =
            move |txn: &mut Txn<'_>| seqs.iter().try_for_each(|seq| erase(txn, conversation, *seq));
        self.0.change(0, erase).await
    }
}

/// Up to `limit` entries of `(after, to]` up to the head, without a hole.
pub(super) fn read_entries(
    store: &Store,
    conversation: ConversationId,
    after: Seq,
    to: Seq,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    // The head first: what is appended meanwhile lies behind it.
    let to = to.min(store.head(conversation)?.seq);
    let count = usize::try_from(to.since(after)).unwrap_or(usize::MAX).min(limit);
    if count == 0 {
        return Ok(Vec::new());
    }
    let range = keys::entry(conversation, after.next())..=keys::entry(conversation, to);
    let rows = store.range(Space::Entries, range, count)?;
    let mut entries = Vec::with_capacity(count);
    for (seq, (_, value)) in (after.get() + 1..).map(Seq::new).zip(&rows) {
        let entry = values::read_entry(conversation, value)?;
        if entry.seq != seq {
            return Err(missing(conversation, seq));
        }
        entries.push(entry);
    }
    if entries.len() < count {
        return Err(missing(conversation, after.plus(entries.len() as u64 + 1)));
    }
    Ok(entries)
}

/// Takes the text out of an entry, if it is there and has one.
pub(super) fn erase(
    txn: &mut Txn<'_>,
    conversation: ConversationId,
    seq: Seq,
) -> Result<(), StoreError> {
    let key = keys::entry(conversation, seq);
    let Some(value) = txn.get(Space::Entries, &key)? else { return Ok(()) };
    let mut entry = values::read_entry(conversation, &value)?;
    if let Some(erased) = entry.body.without_text() {
        entry.body = erased;
        txn.put(Space::Entries, key, values::entry(&entry));
    }
    Ok(())
}
