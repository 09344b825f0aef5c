//! Records of uploaded files in memory.

use async_trait::async_trait;

use super::state::Shared;
use crate::{
    error::StoreError,
    id::{AttachmentId, UserId},
    model::Upload,
    port::{self, Due},
    time::Timestamp,
};

/// Records of uploaded files in memory.
#[derive(Debug)]
pub struct MemoryUploads(pub(super) Shared);

#[async_trait]
impl port::Uploads for MemoryUploads {
    async fn create(&self, upload: &Upload) -> Result<bool, StoreError> {
        let mut state = self.0.lock();
        let stored = state.uploads.entry(upload.id).or_insert_with(|| upload.clone());
        Ok(stored == upload)
    }

    async fn get(&self, id: AttachmentId) -> Result<Option<Upload>, StoreError> {
        Ok(self.0.lock().uploads.get(&id).cloned())
    }

    async fn replace(&self, before: &Upload, after: &Upload) -> Result<bool, StoreError> {
        let mut state = self.0.lock();
        let Some(stored) = state.uploads.get_mut(&after.id) else { return Ok(false) };
        if stored.revision == before.revision {
            *stored = after.clone();
        }
        Ok(stored == after)
    }

    async fn remove(&self, upload: &Upload) -> Result<(), StoreError> {
        self.0.lock().uploads.remove(&upload.id);
        Ok(())
    }

    async fn bytes_of(&self, owner: UserId) -> Result<u64, StoreError> {
        let state = self.0.lock();
        let own = state.uploads.values().filter(|upload| upload.owner == owner);
        Ok(own.map(Upload::billed_bytes).sum())
    }

    async fn due(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let state = self.0.lock();
        let due = state.uploads.values().filter_map(|upload| {
            let at = upload.due_at.filter(|at| (from..=to).contains(at))?;
            Some(Due { at, id: upload.id })
        });
        Ok(due.take(limit).collect())
    }

    async fn forget_due(&self, _due: Due) -> Result<(), StoreError> {
        Ok(())
    }
}
