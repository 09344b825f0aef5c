//! Where uploaded files are kept, and how much may be uploaded.

mod s3;

use std::{num::NonZeroU32, path::PathBuf};

use chat_core::{
    attachments::AttachmentRules,
    limits::{CHUNK_BYTES_MAX, CHUNKS_MAX},
};
use serde::{Deserialize, Serialize};

pub use self::s3::S3;
use super::{layers::Layers, serving::number, size};

/// The largest file that can be configured: what its chunks can hold, even if half of them are small.
const FILE_BYTES_LIMIT: u64 = (CHUNK_BYTES_MAX * CHUNKS_MAX / 2) as u64;

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
    /// Requests of this gateway that receive bytes at the same time. Each holds up to 1 MiB.
    pub uploads_at_once: NonZeroU32,
}

impl Default for Attachments {
    fn default() -> Self {
        let AttachmentRules { file_bytes_max, user_bytes_max } = AttachmentRules::default();
        Self {
            folder: None,
            s3: S3::default(),
            file_max: file_bytes_max,
            user_max: user_bytes_max,
            uploads_at_once: number(64),
        }
    }
}

impl Attachments {
    /// Returns the rules of the domain.
    pub const fn rules(&self) -> AttachmentRules {
        AttachmentRules { file_bytes_max: self.file_max, user_bytes_max: self.user_max }
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
        self.s3.check(layers);
    }
}
