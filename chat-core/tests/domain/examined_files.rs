//! Images are cleaned before anybody can send them, whatever fails meanwhile.

use std::{
    io::Cursor,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{
    attachments::{AttachmentRules, Attachments},
    error::ChatError,
    id::{AttachmentId, ChunkId, ConversationId},
    memory::MemoryBlobs,
    model::{Body, Chunk, Details, MediaType, Progress, Upload},
    port::{BlobError, Blobs},
};
use image::{ImageFormat, RgbImage};
use tokio::join;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    attachments::{Files, send},
    scene::{Person, Scene},
};

/// What must not reach readers.
const PLACE: &[u8] = b"48.8584 N 2.2945 E";

/// Returns a JPEG image of this size with a comment.
fn photo(width: u32, height: u32) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        [x, y, x ^ y].map(|value| value.to_le_bytes()[0]).into()
    });
    let mut plain = Cursor::new(Vec::new());
    pixels.write_to(&mut plain, ImageFormat::Jpeg).unwrap();
    let plain = plain.into_inner();
    let length = u16::try_from(PLACE.len() + 2).unwrap().to_be_bytes();
    [&plain[..2], &[0xFF, 0xFE], &length, PLACE, &plain[2..]].concat()
}

fn has_place(content: &[u8]) -> bool {
    content.windows(PLACE.len()).any(|part| part == PLACE)
}

async fn arrived(files: &Files, owner: &Person, to: ConversationId, content: &[u8]) -> Upload {
    let begun = files.begin(owner, to, content.len() as u64).await.unwrap();
    let bytes = Bytes::copy_from_slice(content);
    files.attachments.receive(&begun, bytes).await.unwrap()
}

async fn content(files: &Files, chunks: &[Chunk], id: AttachmentId) -> Vec<u8> {
    let mut content = Vec::new();
    for chunk in chunks {
        content.extend(files.attachments.read(id, chunk.id, 0..chunk.bytes).await.unwrap());
    }
    content
}

#[tokio::test(start_paused = true)]
async fn image_is_cleaned_and_gets_thumbnails_before_it_is_sent() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let ada = scene.person("ada").await;
    let group = ada.group(&[]).await;
    let photo = photo(600, 300);
    let received = arrived(&files, &ada, group, &photo).await;
    assert!(matches!(received.progress, Progress::Received { .. }));
    let refused = send(&ada, group, "a-1", &[received.id]).await.unwrap_err();
    assert_eq!(refused, ChatError::Conflict("an attachment is not complete"));
    let file = files.attachments.complete(received).await.unwrap().upload;
    let read = content(&files, &file.chunks, file.id).await;
    assert!(has_place(&photo) && !has_place(&read));
    let [thumbnail] = &file.thumbnails[..] else { unreachable!("{file:?}") };
    let small = content(&files, &[thumbnail.chunk], file.id).await;
    let small = image::load_from_memory(&small).unwrap();
    assert_eq!((thumbnail.side, small.width(), small.height()), (256, 256, 128));
    assert_eq!(files.blobs.chunk_count(), 2, "what arrived is gone");
    let written = send(&ada, group, "a-2", &[file.id]).await.unwrap();
    let Body::Text { attachments, .. } = &written.entry.entry.body else { unreachable!() };
    assert_eq!(attachments[0].size, read.len() as u64);
    let size = match &attachments[0].details {
        Details::Image { width, height, .. } => (*width, *height),
        Details::None | Details::Sound { .. } => (0, 0),
    };
    assert_eq!(size, (600, 300));
}

#[tokio::test(start_paused = true)]
async fn image_is_examined_by_another_gateway_when_the_first_was_killed() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let ada = scene.person("ada").await;
    let group = ada.group(&[]).await;
    let received = arrived(&files, &ada, group, &photo(600, 300)).await;
    // The first gateway is gone now.
    let stop = CancellationToken::new();
    let second = Attachments::start(
        scene.stores.clone(),
        files.blobs.clone(),
        scene.clock.clone(),
        AttachmentRules::default(),
        &TaskTracker::new(),
        stop.clone(),
    );
    let file = second.readable(ada.identity, received.id).await.unwrap();
    assert!(!has_place(&content(&files, &file.chunks, file.id).await));
    send(&ada, group, "a-1", &[file.id]).await.unwrap();
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn image_is_stored_once_when_two_requests_examine_it() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let ada = scene.person("ada").await;
    let group = ada.group(&[]).await;
    let received = arrived(&files, &ada, group, &photo(600, 300)).await;
    let (one, other) =
        join!(files.attachments.complete(received.clone()), files.attachments.complete(received),);
    let (one, other) = (one.unwrap().upload, other.unwrap().upload);
    assert_eq!((&one, one.thumbnails.len()), (&other, 1));
    assert!(!has_place(&content(&files, &one.chunks, one.id).await));
    assert_eq!(files.blobs.chunk_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn image_is_a_plain_file_when_it_is_damaged_or_too_large() {
    let scene = Scene::without_requests(1);
    let rules = AttachmentRules { image_pixels_max: 100 * 100, ..AttachmentRules::default() };
    let files = Files::with(&scene, rules);
    let ada = scene.person("ada").await;
    let group = ada.group(&[]).await;
    let half = &photo(100, 100)[..400];
    for (given, media) in [
        (photo(100, 100), MediaType::Jpeg),
        (photo(101, 100), MediaType::Other),
        (half.to_vec(), MediaType::Other),
    ] {
        let received = arrived(&files, &ada, group, &given).await;
        let completed = files.attachments.complete(received).await.unwrap();
        let file = completed.upload;
        assert_eq!(file.media, media);
        assert!(completed.memory_bytes > 0 || media == MediaType::Other);
        let is_same = content(&files, &file.chunks, file.id).await == given;
        assert_eq!(is_same, media == MediaType::Other);
        send(&ada, group, &format!("m-{}", file.id), &[file.id]).await.unwrap();
    }
}

/// Blobs that can be out of order.
#[derive(Debug, Default)]
struct Flaky {
    inner: MemoryBlobs,
    is_full: AtomicBool,
}

#[async_trait]
impl Blobs for Flaky {
    fn check(&self) -> Result<(), BlobError> {
        self.inner.check()
    }

    async fn put(&self, file: AttachmentId, chunk: ChunkId, bytes: Bytes) -> Result<(), BlobError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(BlobError::Unavailable("full".to_owned()));
        }
        self.inner.put(file, chunk, bytes).await
    }

    async fn read(
        &self,
        file: AttachmentId,
        chunk: ChunkId,
        range: Range<u32>,
    ) -> Result<Bytes, BlobError> {
        self.inner.read(file, chunk, range).await
    }

    async fn remove_chunk(&self, file: AttachmentId, chunk: ChunkId) -> Result<(), BlobError> {
        self.inner.remove_chunk(file, chunk).await
    }

    async fn remove(&self, file: AttachmentId) -> Result<(), BlobError> {
        self.inner.remove(file).await
    }
}

#[tokio::test(start_paused = true)]
async fn image_is_examined_again_when_the_storage_was_full() {
    let scene = Scene::without_requests(1);
    let ada = scene.person("ada").await;
    let group = ada.group(&[]).await;
    let (blobs, stop) = (Arc::new(Flaky::default()), CancellationToken::new());
    let attachments = Attachments::start(
        scene.stores.clone(),
        blobs.clone(),
        scene.clock.clone(),
        AttachmentRules::default(),
        &TaskTracker::new(),
        stop.clone(),
    );
    let photo = Bytes::from(photo(600, 300));
    let begun = attachments.begin(ada.identity, Files::new_file(group, photo.len())).await.unwrap();
    let received = attachments.receive(&begun, photo).await.unwrap();
    blobs.is_full.store(true, Ordering::Relaxed);
    let refused = attachments.complete(received.clone()).await.unwrap_err();
    assert!(matches!(refused, ChatError::Unavailable(_)), "{refused:?}");
    blobs.is_full.store(false, Ordering::Relaxed);
    let file = attachments.readable(ada.identity, received.id).await.unwrap();
    assert_eq!((file.media, file.thumbnails.len()), (MediaType::Jpeg, 1));
    stop.cancel();
}
