//! Records of uploaded files. The bytes are in [`super::Blobs`].

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{AttachmentId, UserId},
    model::Upload,
    time::Timestamp,
};

/// A record whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// The time.
    pub at: Timestamp,
    /// The record.
    pub id: AttachmentId,
}

/// Stores the records of uploaded files.
#[async_trait]
pub trait Uploads: Send + Sync + fmt::Debug {
    /// Stores the record of a new upload. Returns false, and changes nothing, if another record has
    /// its id. Idempotent.
    async fn create(&self, upload: &Upload) -> Result<bool, StoreError>;

    /// Returns a record. Sees every change that was acknowledged.
    async fn get(&self, id: AttachmentId) -> Result<Option<Upload>, StoreError>;

    /// Replaces the record `before` by `after`, in one atomic step. Returns false, and changes
    /// nothing, if the record has another revision than `before` or is gone. Idempotent.
    async fn replace(&self, before: &Upload, after: &Upload) -> Result<bool, StoreError>;

    /// Removes a record, whatever its revision. Idempotent.
    async fn remove(&self, upload: &Upload) -> Result<(), StoreError>;

    /// Returns the sum of [`Upload::billed_bytes`] of a user's records. A record counts from before
    /// [`Self::create`] returns until it is removed.
    async fn bytes_of(&self, owner: UserId) -> Result<u64, StoreError>;

    /// Returns up to `limit` records whose [`Upload::due_at`] is between these times, in any order.
    /// May also return earlier times of records that have changed or are gone.
    async fn due(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError>;

    /// Removes a time that [`Self::due`] returned and that is not the record's time any more.
    /// Idempotent.
    async fn forget_due(&self, due: Due) -> Result<(), StoreError>;
}
