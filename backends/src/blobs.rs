//! The bytes of uploaded files: in a folder, or in a storage that speaks S3's protocol.
//!
//! A chunk is one object, `file/chunk`. It is written once and never changes.

mod s3;

use std::{
    io,
    ops::Range,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{
    id::{AttachmentId, ChunkId},
    port::{BlobError, Blobs},
};
use futures_util::TryStreamExt;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path::Path,
};

pub use s3::{S3Config, S3ConfigError};

/// How many chunks of a file are removed at the same time.
const REMOVALS_AT_ONCE_MAX: usize = 8;

/// Chunks as objects of a storage.
#[derive(Debug)]
pub struct ObjectBlobs {
    objects: Arc<dyn ObjectStore>,
    folder: Option<Folder>,
}

/// The folder of a storage on this machine.
#[derive(Debug)]
struct Folder {
    dir: PathBuf,
    reserve_bytes: u64,
}

impl ObjectBlobs {
    /// Keeps chunks in a folder, which is created if it is missing. Refuses chunks while less than
    /// `reserve_bytes` of its disk are free.
    pub fn in_folder(dir: &FilePath, reserve_bytes: u64) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let files = LocalFileSystem::new_with_prefix(dir).map_err(io::Error::other)?;
        let files = files.with_automatic_cleanup(true).with_fsync(true);
        let folder = Folder { dir: dir.to_owned(), reserve_bytes };
        Ok(Self { objects: Arc::new(files), folder: Some(folder) })
    }

    /// Keeps chunks in a bucket. Calls nobody yet.
    pub fn in_bucket(config: &S3Config) -> Result<Self, S3ConfigError> {
        Ok(Self { objects: s3::open(config)?, folder: None })
    }
}

impl ObjectBlobs {
    /// Returns true if the object exists and has fewer bytes.
    async fn is_shorter(&self, object: &Path, bytes: u32) -> bool {
        let found = self.objects.head(object).await;
        found.is_ok_and(|found| found.size < u64::from(bytes))
    }
}

impl Folder {
    fn check_room(&self) -> Result<(), BlobError> {
        let free = rustix::fs::statvfs(&self.dir)
            .map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        if free > self.reserve_bytes {
            Ok(())
        } else {
            Err(BlobError::Unavailable("the disk is full".to_owned()))
        }
    }
}

fn object_of(file: AttachmentId, chunk: ChunkId) -> Path {
    Path::from_iter([file.to_string(), chunk.to_string()])
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn failed(error: Error) -> BlobError {
    if let Error::NotFound { path, .. } = &error {
        BlobError::Missing(path.clone())
    } else {
        BlobError::Unavailable(error.to_string())
    }
}

/// Returns the result of a removal, which succeeds if there was nothing to remove.
fn removed(result: Result<(), Error>) -> Result<(), BlobError> {
    match result.map_err(failed) {
        Ok(()) | Err(BlobError::Missing(_)) => Ok(()),
        Err(error @ (BlobError::Unavailable(_) | BlobError::NotConfigured(_))) => Err(error),
    }
}

#[async_trait]
impl Blobs for ObjectBlobs {
    fn check(&self) -> Result<(), BlobError> {
        Ok(())
    }

    async fn put(&self, file: AttachmentId, chunk: ChunkId, bytes: Bytes) -> Result<(), BlobError> {
        if let Some(folder) = &self.folder {
            folder.check_room()?;
        }
        let object = object_of(file, chunk);
        self.objects.put(&object, PutPayload::from(bytes)).await.map(drop).map_err(failed)
    }

    async fn read(
        &self,
        file: AttachmentId,
        chunk: ChunkId,
        range: Range<u32>,
    ) -> Result<Bytes, BlobError> {
        let object = object_of(file, chunk);
        let wanted = u64::from(range.start)..u64::from(range.end);
        match self.objects.get_range(&object, wanted).await {
            Ok(bytes) if bytes.len() == range.len() => Ok(bytes),
            Err(error) if !self.is_shorter(&object, range.end).await => Err(failed(error)),
            Ok(_) | Err(_) => Err(BlobError::Missing(format!("{object}: shorter than {range:?}"))),
        }
    }

    async fn remove_chunk(&self, file: AttachmentId, chunk: ChunkId) -> Result<(), BlobError> {
        removed(self.objects.delete(&object_of(file, chunk)).await)
    }

    async fn remove(&self, file: AttachmentId) -> Result<(), BlobError> {
        let of_file = Path::from(file.to_string());
        let objects = self.objects.list(Some(&of_file)).map_err(failed);
        let removals = objects.try_for_each_concurrent(REMOVALS_AT_ONCE_MAX, async |object| {
            removed(self.objects.delete(&object.location).await)
        });
        removals.await
    }
}
