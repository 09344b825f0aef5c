//! The contract suite of file storage, on a folder, and what only a folder does.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use std::{fs, sync::Arc};

use backends::blobs::ObjectBlobs;
use bytes::Bytes;
use chat_core::{
    id::{AttachmentId, ChunkId},
    port::{BlobError, Blobs},
};
use tempfile::TempDir;

#[expect(clippy::unused_async, reason = "other storages take time to open")]
async fn open_folder() -> (TempDir, Arc<dyn Blobs>) {
    let dir = TempDir::new().unwrap();
    let blobs = ObjectBlobs::in_folder(&dir.path().join("files"), 0).unwrap();
    (dir, Arc::new(blobs))
}

mod folder {
    use super::*;

    chat_core::blob_contract!(open_folder);
}

fn names() -> (AttachmentId, ChunkId) {
    (AttachmentId::new(7).unwrap(), ChunkId::new(8).unwrap())
}

#[tokio::test]
async fn chunks_survive_reopening_the_folder() {
    let dir = TempDir::new().unwrap();
    let (file, chunk) = names();
    let blobs = ObjectBlobs::in_folder(dir.path(), 0).unwrap();
    blobs.put(file, chunk, Bytes::from_static(b"kept")).await.unwrap();
    drop(blobs);
    let blobs = ObjectBlobs::in_folder(dir.path(), 0).unwrap();
    assert_eq!(&*blobs.read(file, chunk, 0..4).await.unwrap(), b"kept");
}

#[tokio::test]
async fn removed_file_leaves_nothing_in_the_folder() {
    let dir = TempDir::new().unwrap();
    let (file, chunk) = names();
    let blobs = ObjectBlobs::in_folder(dir.path(), 0).unwrap();
    blobs.put(file, chunk, Bytes::from_static(b"gone")).await.unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    blobs.remove(file).await.unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn chunk_is_refused_when_the_disk_has_only_its_reserve() {
    let dir = TempDir::new().unwrap();
    let (file, chunk) = names();
    let blobs = ObjectBlobs::in_folder(dir.path(), u64::MAX).unwrap();
    let refused = blobs.put(file, chunk, Bytes::from_static(b"x")).await;
    assert_eq!(refused, Err(BlobError::Unavailable("the disk is full".to_owned())));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
