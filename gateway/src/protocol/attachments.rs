//! Uploaded files on the wire.

use chat_core::model::Attachment;
use serde::Serialize;
use utoipa::ToSchema;

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
        Self {
            id: Id(attachment.id),
            name: &attachment.name,
            size: attachment.size,
            kind: attachment.media.name(),
        }
    }
}
