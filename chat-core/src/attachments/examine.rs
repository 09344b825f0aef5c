//! Looks into files that have arrived: images are cleaned of metadata and get thumbnails, sounds are
//! measured.
//!
//! The record says that the file has arrived, and only then somebody looks into it. If a gateway dies
//! meanwhile, the owner's next request has it done again, by any gateway. What the dead one has stored
//! is removed together with the file.

use std::{num::NonZeroUsize, time::Duration};

use bytes::{Bytes, BytesMut};
use metrics::{counter, histogram};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};

use super::{Attachments, blob_failed};
use crate::{
    error::ChatError,
    id::{AttachmentId, ChunkId},
    limits::{CHUNK_BYTES_MAX, EXAMINED_BYTES_MAX},
    model::{Chunk, Details, Findings, MediaType, Thumbnail, Upload},
};

/// How long a file waits until others have been examined.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The unit in which memory is given out.
const MEMORY_UNIT: u64 = 1 << 20;

/// The threads and the memory that examining files may use on this gateway.
#[derive(Debug)]
pub(super) struct Examiner {
    /// One for each file that is examined at the same time. It may be in memory as it has arrived.
    threads: Semaphore,
    /// In MiB.
    memory: Semaphore,
    limits: media::Limits,
}

impl Examiner {
    /// Uses half of the processors, so that messages do not wait for images.
    pub(super) fn new(image_pixels_max: u64, memory_bytes: u64) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let units = usize::try_from(memory_bytes / MEMORY_UNIT).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            threads: Semaphore::new((processors / 2).max(1)),
            memory: Semaphore::new(units.min(Semaphore::MAX_PERMITS)),
            limits: media::Limits {
                pixels_max: image_pixels_max,
                memory_max: memory_bytes,
                ..media::Limits::default()
            },
        }
    }

    async fn take_thread(&self) -> Result<SemaphorePermit<'_>, ChatError> {
        match timeout(WAIT_MAX, self.threads.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(ChatError::Internal),
            Err(_) => Err(ChatError::Unavailable("too many files to examine at the same time")),
        }
    }

    async fn take_memory(&self, bytes: u64) -> Result<SemaphorePermit<'_>, ChatError> {
        let units = u32::try_from(bytes.div_ceil(MEMORY_UNIT)).map_err(|_| ChatError::Internal)?;
        self.memory.acquire_many(units).await.map_err(|_| ChatError::Internal)
    }
}

/// An image that was examined.
struct ExaminedImage {
    image: media::Image,
    /// The SHA-256 of its content, if that is not what has arrived.
    cleaned: Option<[u8; 32]>,
}

impl ExaminedImage {
    fn of(content: &[u8], limits: &media::Limits) -> Result<Self, media::Refusal> {
        let image = media::image(content, limits)?;
        let is_cleaned = image.content != content;
        let cleaned = is_cleaned.then(|| Sha256::digest(&image.content).into());
        Ok(Self { image, cleaned })
    }
}

/// A complete file.
#[derive(Debug)]
pub struct Completed {
    /// Its record.
    pub upload: Upload,
    /// The memory in which it was examined now, in bytes.
    pub memory_bytes: u64,
}

impl From<Upload> for Completed {
    fn from(upload: Upload) -> Self {
        Self { upload, memory_bytes: 0 }
    }
}

impl Attachments {
    /// Completes the record of a file whose bytes have all arrived. Any gateway may do so, and again.
    pub async fn complete(&self, upload: Upload) -> Result<Completed, ChatError> {
        if !upload.has_arrived() {
            return Ok(upload.into());
        }
        let started = Instant::now();
        let (findings, memory_bytes) = match self.examine(&upload).await {
            Ok(examined) => examined,
            // Another request may have completed it meanwhile, and removed what has arrived.
            Err(error) => return self.completed(upload.id).await?.ok_or(error),
        };
        let stored: Vec<ChunkId> = stored_chunks(&findings).collect();
        let is_cleaned = findings.cleaned.is_some();
        let finished = upload.examined(findings).ok_or(ChatError::Internal)?;
        if self.stores.uploads.replace(&upload, &finished).await? {
            histogram!("confab_file_examination_seconds").record(started.elapsed());
            if is_cleaned {
                self.remove_chunks(upload.id, upload.chunks.iter().map(|chunk| chunk.id)).await;
            }
            return Ok(Completed { upload: finished, memory_bytes });
        }
        // Another request has completed it first, or has removed it.
        self.remove_chunks(upload.id, stored.into_iter()).await;
        let completed = self.completed(upload.id).await?;
        completed.ok_or(ChatError::Conflict("another request has changed this upload"))
    }

    /// Returns the record if the file is complete.
    async fn completed(&self, id: AttachmentId) -> Result<Option<Completed>, ChatError> {
        let found = self.stores.uploads.get(id).await?;
        Ok(found.filter(|found| found.finished().is_some()).map(Completed::from))
    }

    /// Returns what was found, and the bytes of memory in which it was examined.
    async fn examine(&self, upload: &Upload) -> Result<(Findings, u64), ChatError> {
        let media = upload.media;
        if upload.size > EXAMINED_BYTES_MAX {
            let findings = if media.is_image() { Findings::default() } else { of_type(media) };
            return Ok((findings, 0));
        }
        let _thread = self.examiner.take_thread().await?;
        let content = self.content(upload).await?;
        if media.is_image() {
            return self.examine_image(upload.id, content).await;
        }
        let measured = off_executor(move || media::audio_duration(&content)).await;
        let details =
            measured.flatten().map_or(Details::None, |duration_ms| Details::Sound { duration_ms });
        Ok((Findings { details, ..of_type(media) }, upload.size))
    }

    /// An image that is too large or damaged is kept as a plain file.
    async fn examine_image(
        &self,
        file: AttachmentId,
        content: Bytes,
    ) -> Result<(Findings, u64), ChatError> {
        let limits = self.examiner.limits;
        let checked = content.clone();
        let needed = off_executor(move || media::memory_needed(&checked, &limits)).await;
        let Some(needed) = accepted(needed) else { return Ok((Findings::default(), 0)) };
        let memory = self.examiner.take_memory(needed).await?;
        let examined = off_executor(move || ExaminedImage::of(&content, &limits)).await;
        drop(memory);
        let findings = match accepted(examined) {
            Some(examined) => self.store_image(file, examined).await?,
            None => Findings::default(),
        };
        Ok((findings, needed))
    }

    /// Stores what readers get of an image, unless it is what has arrived.
    async fn store_image(
        &self,
        file: AttachmentId,
        examined: ExaminedImage,
    ) -> Result<Findings, ChatError> {
        let ExaminedImage { image, cleaned } = examined;
        let mut thumbnails = Vec::new();
        for made in image.thumbnails {
            let chunk = self.store_chunk(file, made.content.into()).await?;
            thumbnails.push(Thumbnail { side: made.side, media: made.kind, chunk });
        }
        let cleaned = match cleaned {
            Some(sha256) => {
                let content = Bytes::from(image.content);
                let mut chunks = Vec::new();
                for start in (0..content.len()).step_by(CHUNK_BYTES_MAX) {
                    let end = content.len().min(start + CHUNK_BYTES_MAX);
                    chunks.push(self.store_chunk(file, content.slice(start..end)).await?);
                }
                Some((chunks, sha256))
            }
            None => None,
        };
        let (width, height) = (image.width, image.height);
        let details = Details::Image { width, height, blurhash: image.blurhash.into() };
        Ok(Findings { media: image.kind, details, thumbnails, cleaned })
    }

    async fn store_chunk(&self, file: AttachmentId, bytes: Bytes) -> Result<Chunk, ChatError> {
        let id = ChunkId::from(self.clock.fresh_id());
        let size = u32::try_from(bytes.len()).map_err(|_| ChatError::Internal)?;
        self.blobs.put(file, id, bytes).await.map_err(blob_failed)?;
        Ok(Chunk { id, bytes: size })
    }

    /// Reads a whole file.
    async fn content(&self, upload: &Upload) -> Result<Bytes, ChatError> {
        let bytes = usize::try_from(upload.content_bytes()).map_err(|_| ChatError::Internal)?;
        let mut content = BytesMut::with_capacity(bytes);
        for chunk in &upload.chunks {
            content.extend_from_slice(&self.read(upload.id, chunk.id, 0..chunk.bytes).await?);
        }
        Ok(content.freeze())
    }

    /// Removes chunks that no record names. If that fails, they go together with the file.
    async fn remove_chunks(&self, file: AttachmentId, chunks: impl Iterator<Item = ChunkId>) {
        for chunk in chunks {
            if let Err(error) = self.blobs.remove_chunk(file, chunk).await {
                tracing::debug!(%error, upload.id = %file, "a chunk stays until its file goes");
            }
        }
    }
}

/// Returns the chunks that were stored while a file was examined.
fn stored_chunks(findings: &Findings) -> impl Iterator<Item = ChunkId> {
    let cleaned = findings.cleaned.iter().flat_map(|(chunks, _)| chunks);
    let thumbnails = findings.thumbnails.iter().map(|thumbnail| &thumbnail.chunk);
    cleaned.chain(thumbnails).map(|chunk| chunk.id)
}

fn of_type(media: MediaType) -> Findings {
    Findings { media, ..Findings::default() }
}

/// Returns what came of an image, or `None` if it was refused.
fn accepted<T>(outcome: Option<Result<T, media::Refusal>>) -> Option<T> {
    let refused = |refusal| tracing::debug!(%refusal, "an image is kept as a plain file");
    let accepted = outcome?.map_err(refused).ok();
    if accepted.is_none() {
        counter!("confab_images_refused_total").increment(1);
    }
    accepted
}

/// Runs work that takes long on a thread of its own. Returns `None` if it panics.
async fn off_executor<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.inspect_err(|error| tracing::error!(%error, "examining a file failed")).ok()
}
