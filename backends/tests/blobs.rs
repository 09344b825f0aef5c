//! The contract suite of file storage: on a folder, and on the S3 server that `CONFAB_TEST_S3` names
//! (`http://127.0.0.1:9000 bucket access-key secret-key`). `cargo xtask test` starts one.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use std::{fs, sync::Arc};

use backends::{
    blobs::{ObjectBlobs, S3Config},
    tls::TlsFiles,
};
use bytes::Bytes;
use chat_core::{
    id::{AttachmentId, ChunkId},
    memory::MemoryBlobs,
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

/// Returns the words of the variable. Without them, the test is skipped, or fails in CI.
#[expect(clippy::print_stderr, reason = "a test says that it was skipped")]
fn server() -> Option<[String; 4]> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(place) = set("CONFAB_TEST_S3") {
        let words = place.to_string_lossy();
        let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
        return Some(words.try_into().unwrap());
    }
    assert!(set("CI").is_none(), "CONFAB_TEST_S3 names no server: run `cargo xtask test`");
    eprintln!("SKIPPED: CONFAB_TEST_S3 names no server; `cargo xtask test` starts one");
    None
}

fn bucket_at([endpoint, bucket, access_key, secret_key]: [String; 4], prefix: &str) -> S3Config {
    S3Config {
        endpoint,
        bucket,
        region: "us-east-1".to_owned(),
        access_key,
        secret_key,
        prefix: prefix.to_owned(),
        tls: TlsFiles::default(),
    }
}

/// Opens the bucket. Without a server, the suite runs on memory.
#[expect(clippy::unused_async, reason = "other storages take time to open")]
async fn open_bucket() -> ((), Arc<dyn Blobs>) {
    let Some(server) = server() else { return ((), Arc::new(MemoryBlobs::default())) };
    ((), Arc::new(ObjectBlobs::in_bucket(&bucket_at(server, "chat/files")).unwrap()))
}

mod bucket {
    use super::*;

    chat_core::blob_contract!(open_bucket);
}

#[tokio::test]
async fn buckets_with_other_prefixes_do_not_share_chunks() {
    let Some(server) = server() else { return };
    let file = AttachmentId::new(77).unwrap();
    let chunk = ChunkId::new(78).unwrap();
    let blobs = ["one", "two", ""]
        .map(|prefix| ObjectBlobs::in_bucket(&bucket_at(server.clone(), prefix)).unwrap());
    blobs[0].put(file, chunk, Bytes::from_static(b"kept")).await.unwrap();
    for other in &blobs[1..] {
        other.remove(file).await.unwrap();
        assert!(matches!(other.read(file, chunk, 0..4).await, Err(BlobError::Missing(_))));
    }
    assert_eq!(&*blobs[0].read(file, chunk, 0..4).await.unwrap(), b"kept");
    blobs[0].remove(file).await.unwrap();
}

#[tokio::test]
async fn bucket_with_a_wrong_key_is_unavailable_and_keeps_the_key_secret() {
    let Some(mut server) = server() else { return };
    server[3] = "another-secret".to_owned();
    let config = bucket_at(server, "");
    assert!(!format!("{config:?}").contains("another-secret"));
    let blobs = ObjectBlobs::in_bucket(&config).unwrap();
    assert!(!format!("{blobs:?}").contains("another-secret"));
    let (file, chunk) = names();
    let refused = blobs.put(file, chunk, Bytes::from_static(b"x")).await.unwrap_err();
    let BlobError::Unavailable(why) = &refused else { panic!("{refused}") };
    assert!(!why.contains("another-secret"), "{why}");
}

#[tokio::test]
async fn bucket_is_unavailable_when_no_server_answers() {
    let server = ["http://127.0.0.1:1", "bucket", "key", "secret"].map(str::to_owned);
    let blobs = ObjectBlobs::in_bucket(&bucket_at(server, "")).unwrap();
    let (file, chunk) = names();
    let put = blobs.put(file, chunk, Bytes::from_static(b"x")).await;
    assert!(matches!(put, Err(BlobError::Unavailable(_))), "{put:?}");
    let read = blobs.read(file, chunk, 0..1).await;
    assert!(matches!(read, Err(BlobError::Unavailable(_))), "{read:?}");
    let removed = blobs.remove(file).await;
    assert!(matches!(removed, Err(BlobError::Unavailable(_))), "{removed:?}");
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
