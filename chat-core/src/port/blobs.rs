//! The bytes of uploaded files.

use std::{fmt, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;

use crate::id::{AttachmentId, ChunkId};

/// Why bytes could not be stored or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// This gateway has no place for files. The text says which setting is missing.
    #[error("{0}")]
    NotConfigured(&'static str),
    /// The storage does not answer, or has no room.
    #[error("file storage unavailable: {0}")]
    Unavailable(String),
    /// A chunk that a record names does not exist.
    #[error("chunk missing: {0}")]
    Missing(String),
}

/// Stores the bytes of uploaded files, in chunks. A chunk never changes.
#[async_trait]
pub trait Blobs: Send + Sync + fmt::Debug {
    /// Fails with `NotConfigured` if this gateway has no place for files.
    fn check(&self) -> Result<(), BlobError>;

    /// Stores a chunk of a file. When this returns, the bytes are durable.
    async fn put(&self, file: AttachmentId, chunk: ChunkId, bytes: Bytes) -> Result<(), BlobError>;

    /// Returns a part of a chunk. Fails with `Missing` if the chunk does not exist or is shorter.
    async fn read(
        &self,
        file: AttachmentId,
        chunk: ChunkId,
        range: Range<u32>,
    ) -> Result<Bytes, BlobError>;

    /// Removes one chunk. Idempotent.
    async fn remove_chunk(&self, file: AttachmentId, chunk: ChunkId) -> Result<(), BlobError>;

    /// Removes all chunks of a file, also those that no record names. Idempotent.
    async fn remove(&self, file: AttachmentId) -> Result<(), BlobError>;
}
