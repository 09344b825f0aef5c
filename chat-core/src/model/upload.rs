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

use super::{Attachment, ClientId, Details, MediaType, Seq, bounded};
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
    /// The size that its owner has announced, in bytes.
    pub size: u64,
    /// Its type, found in the first chunk.
    pub media: MediaType,
    /// What is known of an image or a sound.
    pub details: Details,
    /// How often the record has changed.
    pub revision: u32,
    /// When a background job looks whether the file is still needed. `None`: it is, until the message
    /// that shows it is redacted.
    pub due_at: Option<Timestamp>,
    /// The chunks that have arrived, in order. Of a cleaned image, the chunks that readers get.
    pub chunks: Vec<Chunk>,
    /// Smaller forms of an image, the smallest first.
    pub thumbnails: Vec<Thumbnail>,
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

/// A smaller form of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// Its longer side, in pixels.
    pub side: u32,
    /// Its type.
    pub media: MediaType,
    /// Its content, in one chunk.
    pub chunk: Chunk,
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Some bytes are missing. The hash is of those that have arrived.
    Receiving(ContentHash),
    /// All bytes have arrived, and nobody has looked into them yet.
    Received {
        /// The SHA-256 of what has arrived.
        sha256: [u8; 32],
    },
    /// The file can be sent and read.
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

/// What was found in a file that has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Its type.
    pub media: MediaType,
    /// What is known of an image or a sound.
    pub details: Details,
    /// Smaller forms of an image.
    pub thumbnails: Vec<Thumbnail>,
    /// The chunks and the SHA-256 that readers get, if they are not those that have arrived.
    pub cleaned: Option<(Vec<Chunk>, [u8; 32])>,
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
        Self {
            id,
            owner,
            conversation,
            name,
            size,
            media: MediaType::Other,
            details: Details::None,
            revision: 0,
            due_at,
            chunks: Vec::new(),
            thumbnails: Vec::new(),
            progress,
        }
    }

    /// Returns how many of the announced bytes have arrived.
    pub fn offset(&self) -> u64 {
        match self.progress {
            Progress::Receiving(_) => self.content_bytes(),
            Progress::Received { .. } | Progress::Finished { .. } | Progress::Ending => self.size,
        }
    }

    /// Returns how many bytes all chunks have together. Of a finished file, this is what readers get.
    pub fn content_bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum()
    }

    /// Returns what the file counts for its owner's quota. Small files count more than their size, so
    /// that the quota also bounds the number of records. Thumbnails do not count.
    pub fn billed_bytes(&self) -> u64 {
        self.size.max(BILLED_BYTES_MIN)
    }

    /// Returns true if all bytes have arrived, and nobody has looked into them yet.
    pub const fn has_arrived(&self) -> bool {
        matches!(self.progress, Progress::Received { .. })
    }

    /// Returns the hash of a complete file, and which message shows it.
    pub const fn finished(&self) -> Option<(&[u8; 32], &Usage)> {
        match &self.progress {
            Progress::Finished { sha256, usage } => Some((sha256, usage)),
            Progress::Receiving(_) | Progress::Received { .. } | Progress::Ending => None,
        }
    }

    /// Returns what a message says about the file.
    pub fn attachment(&self) -> Attachment {
        let Self { id, media, .. } = *self;
        let (name, details) = (self.name.clone(), self.details.clone());
        Attachment { id, name, size: self.content_bytes(), media, details }
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
            after.media = media::sniff(bytes);
        }
        after.chunks.push(Chunk { id, bytes: size });
        if offset == self.size {
            let sha256 = hash.finalize().into();
            after.progress = if after.media == MediaType::Other {
                Progress::Finished { sha256, usage: Usage::Unsent }
            } else {
                Progress::Received { sha256 }
            };
            after.due_at = Some(now.after(UPLOAD_TTL));
        } else {
            after.progress = Progress::Receiving(ContentHash::of(&hash));
        }
        Ok(after)
    }

    /// Returns the record once somebody has looked into the file. `None` if somebody has done so before, or
    /// if some bytes are missing.
    pub fn examined(&self, findings: Findings) -> Option<Self> {
        let Progress::Received { sha256 } = self.progress else { return None };
        let Findings { media, details, thumbnails, cleaned } = findings;
        let (chunks, sha256) = cleaned.unwrap_or_else(|| (self.chunks.clone(), sha256));
        let progress = Progress::Finished { sha256, usage: Usage::Unsent };
        Some(Self { media, details, chunks, thumbnails, progress, ..self.changed() })
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

    /// Returns the thumbnail for a place with a side of this many pixels: the smallest that fills it. `None` if
    /// the content is not larger, or if the file is not an image.
    pub fn thumbnail(&self, side: u32) -> Option<&Thumbnail> {
        self.thumbnails.iter().find(|thumbnail| thumbnail.side >= side)
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

impl Chunk {
    /// Returns the parts of these chunks that hold these bytes of their content, in order.
    pub fn parts(chunks: &[Self], range: &Range<u64>) -> Vec<(ChunkId, Range<u32>)> {
        let mut start = 0;
        let mut parts = Vec::new();
        for chunk in chunks {
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
