//! Records of uploaded files: one row each, changed only by conditional writes on its revision.
//!
//! Two tables are indexes with plain writes. The bytes of an owner's files are written before the
//! record, and removed before it. The times at which files are due are written before the record has
//! them, and removed after it has lost them. So an index never lacks a row.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{AttachmentId, UserId},
    model::Upload,
    port::{Due, Uploads},
    time::Timestamp,
    versioned,
};
use tokio::time::Instant;

use super::{
    buckets::bigint,
    rows::{ReadMode, corrupt, read_u64},
    settle::{Look, Settled, settle, unknown_after_write},
    store::{CqlStore, join_bounded},
};

/// Milliseconds of an hour, which is a partition of the times.
const HOUR_MS: i64 = 3_600_000;
/// How many times of one hour are read at once.
const HOUR_ROWS_MAX: usize = 10_000;

/// The records of uploaded files in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaUploads(pub(super) Arc<CqlStore>);

fn hour(at: Timestamp) -> i32 {
    i32::try_from(at.as_millis().div_euclid(HOUR_MS)).unwrap_or(i32::MAX)
}

fn due_row(due: Due) -> (i32, i64, i64) {
    (hour(due.at), due.at.as_millis(), due.id.as_i64())
}

fn due_of(upload: &Upload) -> Option<Due> {
    upload.due_at.map(|at| Due { at, id: upload.id })
}

impl CqlStore {
    async fn upload(&self, id: AttachmentId, mode: ReadMode) -> Result<Option<Upload>, StoreError> {
        let statement = match mode {
            ReadMode::Quorum => &self.statements.upload,
            ReadMode::Serial => &self.statements.upload_serial,
        };
        let row: Option<(Vec<u8>,)> = self.row(statement, (id.as_i64(),)).await?;
        let decoded = row.map(|(record,)| versioned::decode(&record));
        decoded.transpose().map_err(|error| corrupt(format!("upload {id}: {error}")))
    }

    async fn set_due_upload(&self, upload: &Upload, by: Instant) -> Result<(), StoreError> {
        let Some(due) = due_of(upload) else { return Ok(()) };
        self.until(by, self.write(&self.statements.set_due_upload, due_row(due))).await
    }

    /// Removes a time that the record has lost. If this fails, the job that finds the time removes it.
    async fn unset_due_upload(&self, upload: &Upload) {
        let Some(due) = due_of(upload) else { return };
        let removed = self.write(&self.statements.forget_due_upload, due_row(due)).await;
        if let Err(error) = removed {
            tracing::debug!(%error, upload.id = %upload.id, "an old time stays in the index");
        }
    }
}

#[async_trait]
impl Uploads for ScyllaUploads {
    async fn create(&self, upload: &Upload) -> Result<bool, StoreError> {
        let store = &self.0;
        store.check_ids().await?;
        let deadline = store.deadline();
        let (owner, id) = (upload.owner.as_i64(), upload.id.as_i64());
        let bytes = (owner, id, bigint(upload.billed_bytes()));
        store.until(deadline, store.write(&store.statements.index_upload, bytes)).await?;
        store.set_due_upload(upload, deadline).await?;
        let record = versioned::encode(upload);
        let created = settle(
            deadline,
            Some(()),
            async |()| {
                let values = (id, i64::from(upload.revision), &record);
                store.write_if(&store.statements.create_upload, values).await
            },
            async |_| {
                let stored = store.upload(upload.id, ReadMode::Serial).await?;
                Ok(stored.map_or(Look::Attempt(()), Look::NotApplied))
            },
        );
        match created.await? {
            Settled::Applied(()) => Ok(true),
            Settled::NotApplied(stored) if stored == *upload => Ok(true),
            Settled::NotApplied(stored) => {
                if stored.owner != upload.owner {
                    store.write(&store.statements.unindex_upload, (owner, id)).await?;
                }
                Ok(false)
            }
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn get(&self, id: AttachmentId) -> Result<Option<Upload>, StoreError> {
        self.0.in_time(self.0.upload(id, ReadMode::Quorum)).await
    }

    async fn replace(&self, before: &Upload, after: &Upload) -> Result<bool, StoreError> {
        let store = &self.0;
        let deadline = store.deadline();
        if before.due_at != after.due_at {
            store.set_due_upload(after, deadline).await?;
        }
        let record = versioned::encode(after);
        let replaced = settle(
            deadline,
            Some(()),
            async |()| {
                let revisions = (i64::from(after.revision), i64::from(before.revision));
                let values = (revisions.0, &record, after.id.as_i64(), revisions.1);
                store.write_if(&store.statements.replace_upload, values).await
            },
            async |_| {
                Ok(match store.upload(after.id, ReadMode::Serial).await? {
                    Some(stored) if stored.revision == before.revision => Look::Attempt(()),
                    Some(stored) => Look::NotApplied(stored == *after),
                    None => Look::NotApplied(false),
                })
            },
        );
        match replaced.await? {
            Settled::Applied(()) => {
                if before.due_at != after.due_at {
                    store.unset_due_upload(before).await;
                }
                Ok(true)
            }
            Settled::NotApplied(is_same) => Ok(is_same),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn remove(&self, upload: &Upload) -> Result<(), StoreError> {
        let store = &self.0;
        let deadline = store.deadline();
        let (owner, id) = (upload.owner.as_i64(), upload.id.as_i64());
        store.until(deadline, store.write(&store.statements.unindex_upload, (owner, id))).await?;
        let removed = settle(
            deadline,
            Some(()),
            async |()| store.write_if(&store.statements.remove_upload, (id,)).await,
            async |_| {
                let stored = store.upload(upload.id, ReadMode::Serial).await?;
                Ok(stored.map_or(Look::NotApplied(()), |_| Look::Attempt(())))
            },
        );
        match removed.await.map_err(unknown_after_write)? {
            Settled::Applied(()) | Settled::NotApplied(()) => {
                store.unset_due_upload(upload).await;
                Ok(())
            }
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn bytes_of(&self, owner: UserId) -> Result<u64, StoreError> {
        let store = &self.0;
        let rows = store.rows::<(i64,)>(&store.statements.upload_bytes, (owner.as_i64(),));
        let rows = store.in_time(rows).await?;
        rows.into_iter().map(|(bytes,)| read_u64(bytes)).sum()
    }

    async fn due(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let store = &self.0;
        let Some(limit_of_rows) =
            i32::try_from(limit.min(HOUR_ROWS_MAX)).ok().filter(|rows| *rows > 0)
        else {
            return Ok(Vec::new());
        };
        let hours = (hour(from)..=hour(to)).map(async |hour| {
            let values = (hour, from.as_millis(), to.as_millis(), limit_of_rows);
            store.rows::<(i64, i64)>(&store.statements.due_uploads, values).await
        });
        let rows = store.in_time(join_bounded(hours.collect())).await?;
        let due = rows.into_iter().flatten().take(limit).map(|(at, id)| {
            let id = AttachmentId::from_i64(id).ok_or_else(|| corrupt("a time without a file"))?;
            Ok(Due { at: Timestamp::from_millis(at), id })
        });
        due.collect()
    }

    async fn forget_due(&self, due: Due) -> Result<(), StoreError> {
        let store = &self.0;
        let work = async {
            let stored = store.upload(due.id, ReadMode::Quorum).await?;
            if stored.is_some_and(|stored| stored.due_at == Some(due.at)) {
                return Ok(());
            }
            store.write(&store.statements.forget_due_upload, due_row(due)).await
        };
        store.in_time(work).await
    }
}
