//! Records of uploaded files.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{AttachmentId, UserId},
    model::Upload,
    port::{Due, Uploads},
    time::Timestamp,
};

use super::{changes::Txn, keys, spaces::Space, store::Shared, values};

/// Estimated bytes of a record without its chunks, for the bound of the queue.
const RECORD_BYTES: usize = 512;
/// Estimated bytes of a chunk in a record.
const CHUNK_BYTES: usize = 12;

/// The records of uploaded files of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedUploads(pub(super) Arc<Shared>);

fn record_bytes(upload: &Upload) -> usize {
    RECORD_BYTES + upload.chunks.len() * CHUNK_BYTES
}

fn get(txn: &Txn<'_>, id: AttachmentId) -> Result<Option<Upload>, StoreError> {
    txn.get(Space::People, &keys::upload(id))
}

fn put(txn: &mut Txn<'_>, upload: &Upload) {
    txn.put(Space::People, keys::upload(upload.id), upload);
    if let Some(at) = upload.due_at {
        txn.put_encoded(Space::People, keys::due_upload(at, upload.id), Vec::new());
    }
}

fn remove_due(txn: &mut Txn<'_>, upload: &Upload) {
    if let Some(at) = upload.due_at {
        txn.remove(Space::People, keys::due_upload(at, upload.id));
    }
}

#[async_trait]
impl Uploads for EmbeddedUploads {
    async fn create(&self, upload: &Upload) -> Result<bool, StoreError> {
        let upload = upload.clone();
        self.0
            .change(record_bytes(&upload), move |txn| {
                if let Some(stored) = get(txn, upload.id)? {
                    return Ok(stored == upload);
                }
                put(txn, &upload);
                let key = keys::upload_of(upload.owner, upload.id);
                txn.put(Space::People, key, &upload.billed_bytes());
                Ok(true)
            })
            .await
    }

    async fn get(&self, id: AttachmentId) -> Result<Option<Upload>, StoreError> {
        self.0.settle_abandoned().await?;
        self.0.read(move |store| store.get(Space::People, &keys::upload(id))).await
    }

    async fn replace(&self, before: &Upload, after: &Upload) -> Result<bool, StoreError> {
        let (revision, after) = (before.revision, after.clone());
        self.0
            .change(record_bytes(&after), move |txn| {
                let Some(stored) = get(txn, after.id)? else { return Ok(false) };
                if stored.revision != revision {
                    return Ok(stored == after);
                }
                remove_due(txn, &stored);
                put(txn, &after);
                Ok(true)
            })
            .await
    }

    async fn remove(&self, upload: &Upload) -> Result<(), StoreError> {
        let (id, owner) = (upload.id, upload.owner);
        self.0
            .change(RECORD_BYTES, move |txn| {
                if let Some(stored) = get(txn, id)? {
                    remove_due(txn, &stored);
                    txn.remove(Space::People, keys::upload(id));
                    txn.remove(Space::People, keys::upload_of(owner, id));
                }
                Ok(())
            })
            .await
    }

    async fn bytes_of(&self, owner: UserId) -> Result<u64, StoreError> {
        self.0
            .read(move |store| {
                let rows = store.scan(Space::People, &keys::uploads_of(owner))?;
                let bytes = rows.iter().map(|(key, value)| values::decode::<u64>(key, value));
                bytes.sum()
            })
            .await
    }

    async fn due(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let range = keys::due_uploads(from, to);
        self.0
            .read(move |store| {
                let rows = store.range(Space::People, range, limit)?;
                let due = rows.iter().map(|(key, _)| {
                    let due = keys::time_in(key).zip(keys::last_number(key));
                    let due = due.and_then(|(at, id)| Some(Due { at, id: AttachmentId::new(id)? }));
                    due.ok_or_else(|| keys::malformed(key))
                });
                due.collect()
            })
            .await
    }

    async fn forget_due(&self, due: Due) -> Result<(), StoreError> {
        self.0
            .change(0, move |txn| {
                let stored = get(txn, due.id)?;
                if stored.is_none_or(|stored| stored.due_at != Some(due.at)) {
                    txn.remove(Space::People, keys::due_upload(due.at, due.id));
                }
                Ok(())
            })
            .await
    }
}
