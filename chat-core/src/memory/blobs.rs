//! Bytes of uploaded files in memory, and the storage of a gateway that has none.

use std::{collections::BTreeMap, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::{
    id::{AttachmentId, ChunkId},
    port::{BlobError, Blobs},
};

/// The bytes that all files in memory may have together.
const BYTES_MAX: usize = 256 << 20;

/// Bytes of uploaded files in memory, 256 MiB at most.
#[derive(Debug, Default)]
pub struct MemoryBlobs(Mutex<BTreeMap<AttachmentId, BTreeMap<ChunkId, Bytes>>>);

impl MemoryBlobs {
    /// Returns how many chunks are stored.
    pub fn chunk_count(&self) -> usize {
        self.0.lock().values().map(BTreeMap::len).sum()
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    fn check(&self) -> Result<(), BlobError> {
        Ok(())
    }

    async fn put(&self, file: AttachmentId, chunk: ChunkId, bytes: Bytes) -> Result<(), BlobError> {
        let mut files = self.0.lock();
        let stored: usize = files.values().flat_map(BTreeMap::values).map(Bytes::len).sum();
        if stored + bytes.len() > BYTES_MAX {
            return Err(BlobError::Unavailable("the memory for files is full".to_owned()));
        }
        files.entry(file).or_default().insert(chunk, bytes);
        Ok(())
    }

    async fn read(
        &self,
        file: AttachmentId,
        chunk: ChunkId,
        range: Range<u32>,
    ) -> Result<Bytes, BlobError> {
        let files = self.0.lock();
        let stored = files.get(&file).and_then(|chunks| chunks.get(&chunk));
        let range = range.start as usize..range.end as usize;
        stored
            .filter(|bytes| range.end <= bytes.len())
            .map(|bytes| bytes.slice(range))
            .ok_or_else(|| BlobError::Missing(format!("{file}/{chunk}")))
    }

    async fn remove_chunk(&self, file: AttachmentId, chunk: ChunkId) -> Result<(), BlobError> {
        if let Some(chunks) = self.0.lock().get_mut(&file) {
            chunks.remove(&chunk);
        }
        Ok(())
    }

    async fn remove(&self, file: AttachmentId) -> Result<(), BlobError> {
        self.0.lock().remove(&file);
        Ok(())
    }
}

/// The storage of a gateway that has no place for files. Every call fails.
#[derive(Debug)]
pub struct NoBlobs(pub &'static str);

#[async_trait]
impl Blobs for NoBlobs {
    fn check(&self) -> Result<(), BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn put(&self, _: AttachmentId, _: ChunkId, _: Bytes) -> Result<(), BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn read(&self, _: AttachmentId, _: ChunkId, _: Range<u32>) -> Result<Bytes, BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn remove_chunk(&self, _: AttachmentId, _: ChunkId) -> Result<(), BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }

    async fn remove(&self, _: AttachmentId) -> Result<(), BlobError> {
        Err(BlobError::NotConfigured(self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[expect(clippy::unused_async, reason = "other storages take time to open")]
    async fn open() -> ((), Arc<dyn Blobs>) {
        ((), Arc::new(MemoryBlobs::default()))
    }

    crate::blob_contract!(open);

    #[tokio::test]
    async fn chunk_is_refused_when_the_memory_for_files_is_full() {
        let blobs = MemoryBlobs::default();
        let (file, chunk) = (AttachmentId::new(1).unwrap(), ChunkId::new(1).unwrap());
        let half = Bytes::from(vec![0; BYTES_MAX / 2]);
        blobs.put(file, chunk, half.clone()).await.unwrap();
        let second = ChunkId::new(2).unwrap();
        blobs.put(file, second, half).await.unwrap();
        let third = ChunkId::new(3).unwrap();
        let refused = blobs.put(file, third, Bytes::from_static(b"x")).await;
        assert!(matches!(refused, Err(BlobError::Unavailable(_))));
        blobs.remove(file).await.unwrap();
        blobs.put(file, third, Bytes::from_static(b"x")).await.unwrap();
    }
}
