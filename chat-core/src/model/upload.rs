//! The record of an uploaded file: how much has arrived, and which message shows it.
//!
//! A record only changes by the functions here, and each of them raises its revision. So a store
//! replaces a record only if nobody else has changed it.

use std::{fmt, ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{
    Digest, Sha256,
    digest::common::hazmat::{SerializableState, SerializedState},
};

use super::{Attachment, ClientId, MediaType, Seq, bounded};
use crate::{
    id::{AttachmentId, ChunkId, ConversationId, UserId},
    limits::{BILLED_BYTES_MIN, CHUNKS_MAX, FILE_NAME_BYTES_MAX, SENDING_TTL, UPLOAD_TTL},
    time::Timestamp,
};

/// The record of an uploaded file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The file.
    pub id: AttachmentId,
    /// Who uploads it.
    pub owner: UserId,
    /// The conversation whose message may show it.
    pub conversation: ConversationId,
    /// Its name, in the form of [`super::file_name`].
    #[serde(deserialize_with = "bounded::text::<FILE_NAME_BYTES_MAX, _>")]
    pub name: Arc<str>,
    /// Its whole size in bytes.
    pub size: u64,
    /// Its type, found in the first chunk.
    pub media: MediaType,
    /// How often the record has changed.
    pub revision: u32,
    /// When a background job looks whether the file is still needed. `None`: it is, until the message
    /// that shows it is redacted.
    pub due_at: Option<Timestamp>,
    /// The chunks that have arrived, in order.
    pub chunks: Vec<Chunk>,
    /// What the file is used for.
    pub progress: Progress,
}

/// A stored part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The name of the chunk.
    pub id: ChunkId,
    /// Its size in bytes.
    pub bytes: u32,
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Some bytes are missing. The hash is of those that have arrived.
    Receiving(ContentHash),
    /// All bytes have arrived.
    Finished {
        /// The SHA-256 of the content.
        sha256: [u8; 32],
        /// Which message shows it.
        usage: Usage,
    },
    /// The file is being removed. This never changes again.
    Ending,
}

/// Which message shows a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Usage {
    /// None.
    Unsent,
    /// The message of this command, if it was appended.
    Sending {
        /// The owner's name for the command.
        client_id: ClientId,
        /// A head of the log before the message.
        base: Seq,
    },
    /// The message at this seq.
    Shown(Seq),
}

/// Why bytes do not fit an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// The upload is complete or is being removed.
    #[error("the upload is complete")]
    Complete,
    /// There are more bytes than were announced.
    #[error("more bytes than the upload was announced with")]
    TooLong,
    /// The upload has arrived in too many small parts.
    #[error("too many small parts")]
    TooManyParts,
    /// The stored hash cannot be continued.
    #[error("the stored hash is damaged")]
    Damaged,
}

impl Upload {
    /// Makes the record of a new upload. An empty file is complete at once.
    pub fn new(
        id: AttachmentId,
        owner: UserId,
        conversation: ConversationId,
        name: Arc<str>,
        size: u64,
        now: Timestamp,
    ) -> Self {
        let hash = Sha256::new();
        let progress = if size == 0 {
            Progress::Finished { sha256: hash.finalize().into(), usage: Usage::Unsent }
        } else {
            Progress::Receiving(ContentHash::of(&hash))
        };
        let due_at = Some(now.after(UPLOAD_TTL));
        let (media, chunks) = (MediaType::Other, Vec::new());
        Self { id, owner, conversation, name, size, media, revision: 0, due_at, chunks, progress }
    }

    /// Returns how many bytes have arrived.
    pub fn offset(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum()
    }

    /// Returns what the file counts for its owner's quota. Small files count more than their size, so
    /// that the quota also bounds the number of records.
    pub fn billed_bytes(&self) -> u64 {
        self.size.max(BILLED_BYTES_MIN)
    }

    /// Returns the hash of a complete file, and which message shows it.
    pub const fn finished(&self) -> Option<(&[u8; 32], &Usage)> {
        match &self.progress {
            Progress::Finished { sha256, usage } => Some((sha256, usage)),
            Progress::Receiving(_) | Progress::Ending => None,
        }
    }

    /// Returns what a message says about the file.
    pub fn attachment(&self) -> Attachment {
        let Self { id, size, media, .. } = *self;
        Attachment { id, name: self.name.clone(), size, media }
    }

    /// Returns the record after the next bytes have been stored under this name.
    pub fn with_chunk(
        &self,
        id: ChunkId,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<Self, UploadError> {
        let Progress::Receiving(hash) = &self.progress else { return Err(UploadError::Complete) };
        let offset = self.offset() + bytes.len() as u64;
        if offset > self.size {
            return Err(UploadError::TooLong);
        }
        if self.chunks.len() >= CHUNKS_MAX {
            return Err(UploadError::TooManyParts);
        }
        let size = u32::try_from(bytes.len()).map_err(|_| UploadError::TooLong)?;
        let hash = hash.resumed().ok_or(UploadError::Damaged)?.chain_update(bytes);
        let mut after = self.changed();
        if after.chunks.is_empty() {
            after.media = MediaType::of(bytes);
        }
        after.chunks.push(Chunk { id, bytes: size });
        if offset == self.size {
            let sha256 = hash.finalize().into();
            after.progress = Progress::Finished { sha256, usage: Usage::Unsent };
            after.due_at = Some(now.after(UPLOAD_TTL));
        } else {
            after.progress = Progress::Receiving(ContentHash::of(&hash));
        }
        Ok(after)
    }

    /// Returns true if a command with this name may send the file: no other command has begun to.
    pub fn may_be_sent_by(&self, client_id: &ClientId) -> bool {
        match self.finished() {
            Some((_, Usage::Unsent)) => true,
            Some((_, Usage::Sending { client_id: sending, .. })) => sending == client_id,
            Some((_, Usage::Shown(_))) | None => false,
        }
    }

    /// Returns the record once this command has begun to send the file, at a head of `base`. `None` if
    /// the command had begun before.
    pub fn sending(&self, client_id: &ClientId, base: Seq, now: Timestamp) -> Option<Self> {
        match self.finished() {
            Some((_, Usage::Unsent)) => {
                let client_id = client_id.clone();
                let mut after = self.used(Usage::Sending { client_id, base });
                // The message may still be appended when the upload would have ended.
                after.due_at = self.due_at.max(Some(now.after(SENDING_TTL)));
                Some(after)
            }
            Some((_, Usage::Sending { .. } | Usage::Shown(_))) | None => None,
        }
    }

    /// Returns the record once the message at this seq shows the file.
    #[must_use]
    pub fn shown(&self, seq: Seq) -> Self {
        Self { due_at: None, ..self.used(Usage::Shown(seq)) }
    }

    /// Returns the record with another time at which a job looks whether the file is still needed.
    #[must_use]
    pub fn due(&self, at: Option<Timestamp>) -> Self {
        Self { due_at: at, ..self.changed() }
    }

    /// Returns the record of a file that is being removed.
    #[must_use]
    pub fn ending(&self, now: Timestamp) -> Self {
        Self { progress: Progress::Ending, due_at: Some(now), ..self.changed() }
    }

    /// Returns the parts of chunks that hold these bytes of the file, in order.
    pub fn parts(&self, range: &Range<u64>) -> Vec<(ChunkId, Range<u32>)> {
        let mut start = 0;
        let mut parts = Vec::new();
        for chunk in &self.chunks {
            let end = start + u64::from(chunk.bytes);
            let (from, to) = (range.start.max(start), range.end.min(end));
            if let (Ok(from), Ok(to)) =
                (u32::try_from(from.saturating_sub(start)), u32::try_from(to.saturating_sub(start)))
                && from < to
            {
                parts.push((chunk.id, from..to));
            }
            start = end;
        }
        parts
    }

    fn used(&self, usage: Usage) -> Self {
        let mut after = self.changed();
        if let Progress::Finished { usage: before, .. } = &mut after.progress {
            *before = usage;
        }
        after
    }

    fn changed(&self) -> Self {
        Self { revision: self.revision.wrapping_add(1), ..self.clone() }
    }
}

/// The state of a SHA-256 that is not complete, so that any gateway can continue it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentHash(Arc<[u8]>);

impl ContentHash {
    fn of(hash: &Sha256) -> Self {
        Self(hash.serialize().as_slice().into())
    }

    fn resumed(&self) -> Option<Sha256> {
        let state = SerializedState::<Sha256>::try_from(&*self.0).ok()?;
        Sha256::deserialize(&state).ok()
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentHash")
    }
}

#[cfg(test)]
mod tests;
