//! Contract tests of [`crate::port::Blobs`].

use bytes::Bytes;

use super::fixtures::fresh;
use crate::{
    id::{AttachmentId, ChunkId},
    port::{BlobError, Blobs},
};

/// Makes a test of each contract test. `open` returns a guard and the storage.
#[macro_export]
macro_rules! blob_contract {
    ($open:path) => {
        $crate::blob_contract!(@tests $open;
            chunk_is_read_back_in_parts;
            missing_chunk_is_an_error;
            removed_file_is_gone_with_all_chunks;
            removed_chunk_is_gone_alone;
        );
    };
    (@tests $open:path; $($test:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (_guard, blobs) = $open().await;
            $crate::contract::blobs::$test(&*blobs).await;
        }
    )+};
}

async fn put(blobs: &dyn Blobs, file: AttachmentId, bytes: &'static [u8]) -> ChunkId {
    let chunk = fresh();
    blobs.put(file, chunk, Bytes::from_static(bytes)).await.unwrap();
    chunk
}

fn is_missing(read: &Result<Bytes, BlobError>) -> bool {
    matches!(read, Err(BlobError::Missing(_)))
}

/// Every part of a chunk is read back, and storing it again changes nothing.
pub async fn chunk_is_read_back_in_parts(blobs: &dyn Blobs) {
    let file = fresh();
    let content = b"0123456789";
    let chunk = put(blobs, file, content).await;
    blobs.put(file, chunk, Bytes::from_static(content)).await.unwrap();
    for start in 0..content.len() {
        for end in start + 1..=content.len() {
            let range = u32::try_from(start).unwrap()..u32::try_from(end).unwrap();
            let read = blobs.read(file, chunk, range).await.unwrap();
            assert_eq!(*read, content[start..end]);
        }
    }
}

/// A chunk that was never stored is missing, and so is a part beyond its end.
pub async fn missing_chunk_is_an_error(blobs: &dyn Blobs) {
    let file = fresh();
    assert!(is_missing(&blobs.read(file, fresh(), 0..1).await));
    let chunk = put(blobs, file, b"abc").await;
    assert!(is_missing(&blobs.read(fresh(), chunk, 0..1).await));
    assert!(is_missing(&blobs.read(file, chunk, 1..4).await));
    assert!(is_missing(&blobs.read(file, chunk, 5..6).await));
}

/// All chunks of a removed file are gone, and other files stay.
pub async fn removed_file_is_gone_with_all_chunks(blobs: &dyn Blobs) {
    let (file, other) = (fresh(), fresh());
    let chunks = [put(blobs, file, b"one").await, put(blobs, file, b"two").await];
    let kept = put(blobs, other, b"three").await;
    for _ in 0..2 {
        blobs.remove(file).await.unwrap();
        for chunk in chunks {
            assert!(is_missing(&blobs.read(file, chunk, 0..1).await));
        }
    }
    assert_eq!(&*blobs.read(other, kept, 0..5).await.unwrap(), b"three");
}

/// A removed chunk is gone, and the other chunks of its file stay.
pub async fn removed_chunk_is_gone_alone(blobs: &dyn Blobs) {
    let file = fresh();
    let (one, other) = (put(blobs, file, b"one").await, put(blobs, file, b"two").await);
    for _ in 0..2 {
        blobs.remove_chunk(file, one).await.unwrap();
        assert!(is_missing(&blobs.read(file, one, 0..1).await));
    }
    assert_eq!(&*blobs.read(file, other, 0..3).await.unwrap(), b"two");
}
