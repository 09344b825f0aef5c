//! The first command of a WebSocket, and its reply.

use std::fmt;

use chat_core::{attachments::AttachmentRules, limits};
use serde::{
    Deserialize, Serialize,
    de::{Deserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};

use utoipa::ToSchema;

use super::{
    schema,
    value::{Cursors, Resume, Time, WireLoginId, WireUserId, millis},
};
use crate::secret::Secret;

/// The members of `hello`.
#[derive(Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The access token.
    #[schema(value_type = String)]
    pub token: Secret,
    /// The client's cursors. Without them the session starts at the present heads.
    #[schema(schema_with = schema::resume, required = false)]
    pub resume: Option<Resume>,
    /// The client's name for itself, for the log.
    pub client: Option<ClientName>,
}

/// The client's name for itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct ClientName {
    /// The program.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

impl<'de> Deserialize<'de> for ClientName {
    /// Reads an object only. The derived code alone would accept an array too.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOnly;

        impl<'de> Visitor<'de> for ObjectOnly {
            type Value = ClientName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of name and version")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClientName, A::Error> {
                ClientName::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(ObjectOnly)
    }
}

/// The reply to `hello`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Welcome<'a> {
    /// The user of the access token.
    pub user: WireUserId,
    /// The login of the access token.
    pub session: WireLoginId,
    /// How often the server sends a ping.
    pub heartbeat_ms: u64,
    /// The bounds in force.
    pub limits: Limits,
    /// The server's clock.
    pub server_time: Time,
    /// The heads of all conversations.
    #[schema(value_type = HashMap<String, u64>)]
    pub resume: Cursors<'a>,
}

/// The bounds in the reply to `hello`.
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Limits {
    text_bytes_max: usize,
    title_bytes_max: usize,
    frame_bytes_max: usize,
    members_max: u32,
    conversations_max: usize,
    commands_in_flight_max: usize,
    poll_wait_ms_max: u64,
    resume_entries_max: u64,
    attachments_max: usize,
    attachment_bytes_max: u64,
    storage_bytes_max: u64,
    image_pixels_max: u64,
    rate_limits: Option<RateLimits>,
}

/// How often a login may write.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct RateLimits {
    /// The rate at which the budget is refilled.
    pub messages_per_second: u32,
    /// The size of the budget.
    pub burst: u32,
}

impl Limits {
    /// Returns the fixed bounds together with the configured ones.
    pub fn new(rate_limits: Option<RateLimits>, attachments: AttachmentRules) -> Self {
        Self {
            text_bytes_max: limits::TEXT_BYTES_MAX,
            title_bytes_max: limits::TITLE_BYTES_MAX,
            frame_bytes_max: limits::FRAME_BYTES_MAX,
            members_max: limits::MEMBERS_MAX,
            conversations_max: limits::CONVERSATIONS_MAX,
            commands_in_flight_max: limits::COMMANDS_IN_FLIGHT_MAX,
            poll_wait_ms_max: millis(limits::POLL_WAIT_MAX),
            resume_entries_max: limits::RESUME_ENTRIES_MAX,
            attachments_max: limits::ATTACHMENTS_MAX,
            attachment_bytes_max: attachments.file_bytes_max,
            storage_bytes_max: attachments.user_bytes_max,
            image_pixels_max: attachments.image_pixels_max,
            rate_limits,
        }
    }
}
