//! Uploaded files: receiving them, reading them, and removing them.
//!
//! A file arrives in chunks, which [`crate::port::Blobs`] keeps. Its record in
//! [`crate::port::Uploads`] lists them, so an upload continues on any gateway from the durable offset.
//! [`examine`] looks into a file that has arrived, and then a message can show it.
//! Users who see a message that shows a file can read the file. Until then only its owner can.
//! [`sweep`] removes what is not needed any more.

mod access;
mod examine;
mod sweep;

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::examine::Completed;
use self::examine::Examiner;
use crate::{
    error::ChatError,
    id::{AttachmentId, ChunkId, ConversationId},
    limits::{
        FILE_BYTES_MAX_DEFAULT, IMAGE_MEMORY_DEFAULT, IMAGE_PIXELS_MAX_DEFAULT,
        USER_FILE_BYTES_MAX_DEFAULT,
    },
    model::{Identity, Progress, Upload, UploadError, Usage, file_name},
    port::{BlobError, Blobs, Stores},
    time::Clock,
};

/// How much may be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachmentRules {
    /// The largest file, in bytes.
    pub file_bytes_max: u64,
    /// The bytes of all files of a user.
    pub user_bytes_max: u64,
    /// The most pixels of an image. A larger one is kept as a plain file.
    pub image_pixels_max: u64,
    /// The memory in which images are examined, in bytes. An image that needs more is kept as a plain file.
    pub image_memory: u64,
}

impl Default for AttachmentRules {
    fn default() -> Self {
        Self {
            file_bytes_max: FILE_BYTES_MAX_DEFAULT,
            user_bytes_max: USER_FILE_BYTES_MAX_DEFAULT,
            image_pixels_max: IMAGE_PIXELS_MAX_DEFAULT.into(),
            image_memory: IMAGE_MEMORY_DEFAULT,
        }
    }
}

/// A file that is about to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The conversation whose message may show it.
    pub conversation: ConversationId,
    /// The name that its sender gives it.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// The uploaded files, as one gateway serves them.
#[derive(Debug)]
pub struct Attachments {
    stores: Stores,
    blobs: Arc<dyn Blobs>,
    clock: Arc<dyn Clock>,
    rules: AttachmentRules,
    examiner: Examiner,
}

impl Attachments {
    /// Starts serving files by these rules. The job that removes files runs on `tasks` until
    /// `shutdown`.
    pub fn start(
        stores: Stores,
        blobs: Arc<dyn Blobs>,
        clock: Arc<dyn Clock>,
        rules: AttachmentRules,
        tasks: &TaskTracker,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        let examiner = Examiner::new(rules.image_pixels_max, rules.image_memory);
        let attachments = Arc::new(Self { stores, blobs, clock, rules, examiner });
        tasks.spawn(shutdown.run_until_cancelled_owned(sweep::run(attachments.clone())));
        attachments
    }

    /// Returns the rules.
    pub const fn rules(&self) -> AttachmentRules {
        self.rules
    }

    /// Begins an upload to a conversation of the caller. Fails if the file or all files of the caller
    /// together are too large.
    pub async fn begin(&self, caller: Identity, file: NewFile) -> Result<Upload, ChatError> {
        let NewFile { conversation, name, size } = file;
        let max = self.rules.file_bytes_max;
        if size > max {
            return Err(ChatError::TooLarge { field: "Upload-Length", max: whole(max) });
        }
        self.blobs.check().map_err(blob_failed)?;
        self.membership(caller.user, conversation).await?;
        let id = AttachmentId::from(self.clock.fresh_id());
        let name = file_name(&name);
        let upload = Upload::new(id, caller.user, conversation, name, size, self.clock.now());
        if !self.stores.uploads.create(&upload).await? {
            tracing::error!(upload.id = %id, "a fresh id is taken");
            return Err(ChatError::Internal);
        }
        // Counted with this one: of several uploads that begin at once, none exceeds the quota.
        let bytes = self.stores.uploads.bytes_of(caller.user).await?;
        if bytes > self.rules.user_bytes_max {
            self.stores.uploads.remove(&upload).await?;
            let max = whole(self.rules.user_bytes_max);
            return Err(ChatError::Full { what: "your storage for files", max });
        }
        Ok(upload)
    }

    /// Returns an upload of the caller, complete or not.
    pub async fn own(&self, caller: Identity, id: AttachmentId) -> Result<Upload, ChatError> {
        let found = self.stores.uploads.get(id).await?;
        let own = found.filter(|upload| upload.owner == caller.user);
        own.filter(|upload| upload.progress != Progress::Ending).ok_or(NOT_FOUND)
    }

    /// Stores the next bytes of an upload, and returns its new record once they are durable. Fails
    /// with `Conflict` if another request has continued the upload.
    pub async fn receive(&self, upload: &Upload, bytes: Bytes) -> Result<Upload, ChatError> {
        let chunk = ChunkId::from(self.clock.fresh_id());
        let (before, now, hashed) = (upload.clone(), self.clock.now(), bytes.clone());
        // Hashing a chunk takes milliseconds.
        let hashing = tokio::task::spawn_blocking(move || before.with_chunk(chunk, &hashed, now));
        let after = hashing.await.map_err(|_| ChatError::Internal)?.map_err(refused)?;
        self.blobs.put(upload.id, chunk, bytes).await.map_err(blob_failed)?;
        if self.stores.uploads.replace(upload, &after).await? {
            return Ok(after);
        }
        // The upload may have been removed meanwhile, and then nobody else removes this chunk.
        self.blobs.remove_chunk(upload.id, chunk).await.map_err(blob_failed)?;
        Err(ChatError::Conflict("another request has continued this upload"))
    }

    /// Removes an upload of the caller that no message shows.
    pub async fn discard(&self, caller: Identity, id: AttachmentId) -> Result<(), ChatError> {
        let upload = self.own(caller, id).await?;
        if matches!(upload.finished(), Some((_, Usage::Sending { .. } | Usage::Shown(_)))) {
            return Err(ChatError::Conflict("a message shows this file: redact the message"));
        }
        let ending = upload.ending(self.clock.now());
        if !self.stores.uploads.replace(&upload, &ending).await? {
            return Err(ChatError::Conflict("another request has changed this upload"));
        }
        self.remove(&ending).await
    }

    /// Returns the bytes of a part of a file that [`crate::model::Chunk::parts`] returned.
    pub async fn read(
        &self,
        file: AttachmentId,
        chunk: ChunkId,
        part: Range<u32>,
    ) -> Result<Bytes, ChatError> {
        self.blobs.read(file, chunk, part).await.map_err(blob_failed)
    }

    /// Removes the bytes and the record of a file that is being removed. Safe to repeat.
    async fn remove(&self, ending: &Upload) -> Result<(), ChatError> {
        self.blobs.remove(ending.id).await.map_err(blob_failed)?;
        Ok(self.stores.uploads.remove(ending).await?)
    }
}

/// What everybody gets who may not know of a file.
const NOT_FOUND: ChatError = ChatError::NotFound("attachment");

fn whole(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn refused(error: UploadError) -> ChatError {
    match error {
        UploadError::Complete => ChatError::Conflict("the upload is complete"),
        UploadError::TooLong => ChatError::invalid("body", error.to_string()),
        UploadError::TooManyParts => {
            ChatError::Full { what: "the upload", max: crate::limits::CHUNKS_MAX }
        }
        UploadError::Damaged => {
            tracing::error!("the hash of an upload cannot be continued");
            ChatError::Internal
        }
    }
}

/// Logs the detail of a failed storage operation, and keeps it from the client.
fn blob_failed(error: BlobError) -> ChatError {
    match error {
        BlobError::NotConfigured(why) => ChatError::Unavailable(why),
        BlobError::Unavailable(detail) => {
            tracing::warn!(detail, "file storage unavailable");
            ChatError::Unavailable("the file storage is not available")
        }
        BlobError::Missing(chunk) => {
            tracing::error!(chunk, "a chunk of a file is missing");
            ChatError::Internal
        }
    }
}
