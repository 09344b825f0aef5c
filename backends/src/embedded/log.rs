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
    append::{PreparedAppend, missing_entry},
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
        let prepared = PreparedAppend::new(&append)?;
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
        let cached = |id: &ConversationId| self.0.store.cached_head(*id);
        if let Some(heads) = conversations.iter().map(cached).collect() {
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
                let Some(seq) = store.get::<Seq>(Space::Keys, &key)? else { return Ok(None) };
                let entry = store.get(Space::Entries, &keys::entry(conversation, seq))?;
                entry.map(Some).ok_or_else(|| missing_entry(conversation, seq))
            })
            .await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        let seqs = seqs.to_vec();
        self.0
            .change(0, move |txn| seqs.iter().try_for_each(|seq| erase(txn, conversation, *seq)))
            .await
    }
}

/// Returns up to `limit` entries of `(after, to]`, but none beyond the head. Fails with `Corrupt` if
/// one is missing.
pub(super) fn read_entries(
    store: &Store,
    conversation: ConversationId,
    after: Seq,
    to: Seq,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    // Read the head first, so that an entry appended meanwhile lies beyond it.
    let to = to.min(store.head(conversation)?.seq);
    let count = usize::try_from(to.since(after)).unwrap_or(usize::MAX).min(limit);
    if count == 0 {
        return Ok(Vec::new());
    }
    let range = keys::entry(conversation, after.next())..=keys::entry(conversation, to);
    let rows = store.range(Space::Entries, range, count)?;
    let mut entries = Vec::with_capacity(count);
    for (seq, (key, value)) in (after.get() + 1..).map(Seq::new).zip(&rows) {
        let entry: Entry = values::decode(key, value)?;
        if entry.conversation != conversation || entry.seq != seq {
            return Err(missing_entry(conversation, seq));
        }
        entries.push(entry);
    }
    if entries.len() < count {
        return Err(missing_entry(conversation, after.plus(entries.len() as u64 + 1)));
    }
    Ok(entries)
}

/// Erases the text of an entry. Does nothing if the entry does not exist or has no text.
pub(super) fn erase(
    txn: &mut Txn<'_>,
    conversation: ConversationId,
    seq: Seq,
) -> Result<(), StoreError> {
    let key = keys::entry(conversation, seq);
    let Some(mut entry) = txn.get::<Entry>(Space::Entries, &key)? else { return Ok(()) };
    if let Some(body) = entry.body.without_text() {
        entry.body = body;
        txn.put(Space::Entries, key, &entry);
    }
    Ok(())
}
