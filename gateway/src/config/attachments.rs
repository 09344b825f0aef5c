//! Where uploaded files are kept, and how much may be uploaded.

mod s3;

use std::{num::NonZeroU32, path::PathBuf};

use chat_core::{
    attachments::AttachmentRules,
    limits::{
        CHUNK_BYTES_MAX, CHUNKS_MAX, FILE_BYTES_MAX_DEFAULT, IMAGE_MEMORY_DEFAULT,
        IMAGE_PIXELS_MAX_DEFAULT, USER_FILE_BYTES_MAX_DEFAULT,
    },
};
use serde::{Deserialize, Serialize};

pub use self::s3::S3;
use super::{layers::Layers, serving::number, size};

/// The largest file that can be configured: what its chunks can hold, even if half of them are small.
const FILE_BYTES_LIMIT: u64 = (CHUNK_BYTES_MAX * CHUNKS_MAX / 2) as u64;

/// The least memory in which images of a few megapixels can be examined.
const IMAGE_MEMORY_MIN: u64 = 64 << 20;

/// Where uploaded files are kept, and how much may be uploaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attachments {
    /// Folder of the files. Without it, and without a bucket, they are in `files` in the embedded
    /// store's folder, and store `scylla` keeps none.
    pub folder: Option<PathBuf>,
    /// A bucket for the files instead of a folder.
    pub s3: S3,
    /// The largest file.
    #[serde(with = "size")]
    pub file_max: u64,
    /// All files of a user together.
    #[serde(with = "size")]
    pub user_max: u64,
    /// The most pixels of an image. A larger one is a plain file.
    pub image_pixels_max: NonZeroU32,
    /// Memory in which this gateway examines images.
    #[serde(with = "size")]
    pub image_memory: u64,
    /// Requests of this gateway that receive bytes at the same time. Each holds up to 1 MiB.
    pub uploads_at_once: NonZeroU32,
}

impl Default for Attachments {
    fn default() -> Self {
        Self {
            folder: None,
            s3: S3::default(),
            file_max: FILE_BYTES_MAX_DEFAULT,
            user_max: USER_FILE_BYTES_MAX_DEFAULT,
            image_pixels_max: number(IMAGE_PIXELS_MAX_DEFAULT),
            image_memory: IMAGE_MEMORY_DEFAULT,
            uploads_at_once: number(64),
        }
    }
}

impl Attachments {
    /// Returns the rules of the domain.
    pub fn rules(&self) -> AttachmentRules {
        AttachmentRules {
            file_bytes_max: self.file_max,
            user_bytes_max: self.user_max,
            image_pixels_max: self.image_pixels_max.get().into(),
            image_memory: self.image_memory,
        }
    }

    pub(super) fn check(&self, layers: &mut Layers) {
        if self.file_max > FILE_BYTES_LIMIT {
            let most = size::text(FILE_BYTES_LIMIT);
            layers.refuse("attachments.file_max", &format!("at most {most}"));
        }
        if self.user_max < self.file_max {
            layers.refuse("attachments.user_max", "smaller than attachments.file_max");
        }
        if self.folder.is_some() && self.s3.endpoint.is_some() {
            layers.refuse("attachments.folder", "files are in a folder or in attachments.s3");
        }
        if self.image_memory < IMAGE_MEMORY_MIN {
            let least = size::text(IMAGE_MEMORY_MIN);
            layers.refuse("attachments.image_memory", &format!("at least {least}"));
        }
        self.s3.check(layers);
    }
}
