//! Uploaded files on the wire.

use chat_core::model::{Attachment, Details};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::value::{Id, Time, WireAttachmentId};

/// A file that a message shows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attachment)]
pub struct AttachmentJson<'a> {
    id: WireAttachmentId,
    /// The name of the file.
    name: &'a str,
    /// Its size in bytes.
    size: u64,
    /// Its type, found in its content. `application/octet-stream` for everything that is not an image,
    /// a sound or a video.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The width of an image in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// Its height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// A blurred preview of it (<https://blurha.sh>).
    #[serde(skip_serializing_if = "Option::is_none")]
    blurhash: Option<&'a str>,
    /// The length of a sound or a video in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u32>,
}

/// The bytes of a file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct FileBytes(pub Vec<u8>);

/// The query of a thumbnail.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ThumbnailQuery {
    /// The longer side in pixels.
    #[param(inline)]
    pub size: ThumbnailSize,
}

/// The longer side of a thumbnail in pixels.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub enum ThumbnailSize {
    /// For lists.
    #[serde(rename = "256")]
    Small,
    /// For a screen.
    #[serde(rename = "1024")]
    Large,
}

impl ThumbnailSize {
    /// Returns the number of pixels.
    pub const fn side(self) -> u32 {
        match self {
            Self::Small => 256,
            Self::Large => 1024,
        }
    }
}

/// A link to a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileLink)]
pub struct FileLinkJson {
    /// A path on this server.
    pub url: String,
    /// When it ends.
    pub expires_at: Time,
}

impl<'a> From<&'a Attachment> for AttachmentJson<'a> {
    fn from(attachment: &'a Attachment) -> Self {
        let mut json = Self {
            id: Id(attachment.id),
            name: &attachment.name,
            size: attachment.size,
            kind: attachment.media.name(),
            width: None,
            height: None,
            blurhash: None,
            duration_ms: None,
        };
        match &attachment.details {
            Details::None => {}
            Details::Image { width, height, blurhash } => {
                (json.width, json.height) = (Some(*width), Some(*height));
                json.blurhash = Some(blurhash);
            }
            Details::Sound { duration_ms } => json.duration_ms = Some(*duration_ms),
        }
        json
    }
}
