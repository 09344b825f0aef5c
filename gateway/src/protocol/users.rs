//! Users: registration, profile, presence.

use chat_core::model::{Audience, Privacy, PrivacyChange, User};
use presence::{Presence, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    schema,
    sessions::SessionJson,
    value::{Id, Time, WireUserId},
};
use crate::secret::Secret;

/// The body of `POST /v1/users`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// 3 to 32 characters of `a-z 0-9 _ . -`.
    #[schema(schema_with = schema::username, example = "ada")]
    pub username: String,
    /// At least 8 characters and at most 1,024 bytes, hard to guess.
    #[schema(schema_with = schema::new_password)]
    pub password: Secret,
    /// 1 to 128 bytes. Defaults to the user name.
    #[schema(schema_with = schema::display_name, required = false)]
    pub display_name: Option<String>,
}

/// The body of `PATCH /v1/me`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// 1 to 128 bytes.
    #[schema(schema_with = schema::display_name, required = false)]
    pub display_name: Option<String>,
    /// The settings to change.
    pub privacy: Option<ChangePrivacy>,
}

/// The people whom a privacy setting allows something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudienceName {
    /// Everybody.
    Everyone,
    /// People whose direct conversation with the caller is `open`.
    Contacts,
    /// Nobody.
    Nobody,
}

impl From<Audience> for AudienceName {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::Everyone => Self::Everyone,
            Audience::Contacts => Self::Contacts,
            Audience::Nobody => Self::Nobody,
        }
    }
}

impl From<AudienceName> for Audience {
    fn from(name: AudienceName) -> Self {
        match name {
            AudienceName::Everyone => Self::Everyone,
            AudienceName::Contacts => Self::Contacts,
            AudienceName::Nobody => Self::Nobody,
        }
    }
}

/// Privacy settings to change. The others stay.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePrivacy {
    /// Who may see the caller's presence.
    last_seen: Option<AudienceName>,
    /// Who may open a direct conversation with the caller.
    direct_messages: Option<AudienceName>,
    /// Who may add the caller to groups.
    add_to_groups: Option<AudienceName>,
    /// True if others may see what the caller has read, and the caller may see what they have read.
    read_receipts: Option<bool>,
}

impl From<ChangePrivacy> for PrivacyChange {
    fn from(change: ChangePrivacy) -> Self {
        Self {
            last_seen: change.last_seen.map(Audience::from),
            direct_messages: change.direct_messages.map(Audience::from),
            add_to_groups: change.add_to_groups.map(Audience::from),
            read_receipts: change.read_receipts,
        }
    }
}

/// The caller's privacy settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrivacyJson {
    /// Who may see the caller's presence.
    last_seen: AudienceName,
    /// Who may open a direct conversation with the caller.
    direct_messages: AudienceName,
    /// Who may add the caller to groups.
    add_to_groups: AudienceName,
    /// True if others may see what the caller has read, and the caller may see what they have read.
    read_receipts: bool,
}

impl From<Privacy> for PrivacyJson {
    fn from(privacy: Privacy) -> Self {
        Self {
            last_seen: privacy.last_seen.into(),
            direct_messages: privacy.direct_messages.into(),
            add_to_groups: privacy.add_to_groups.into(),
            read_receipts: privacy.read_receipts,
        }
    }
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeJson<'a> {
    /// What everybody may see.
    #[serde(flatten)]
    pub user: UserJson<'a>,
    /// The privacy settings.
    pub privacy: PrivacyJson,
}

/// The body of `PUT /v1/me/password`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password until now.
    #[schema(schema_with = schema::any_password)]
    pub old_password: Secret,
    /// At least 8 characters and at most 1,024 bytes, hard to guess.
    #[schema(schema_with = schema::new_password)]
    pub new_password: Secret,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserJson<'a> {
    id: WireUserId,
    #[schema(example = "ada")]
    username: &'a str,
    display_name: &'a str,
    created_at: Time,
}

impl<'a> From<&'a User> for UserJson<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: Id(user.id),
            username: user.username.as_str(),
            display_name: &user.display_name,
            created_at: Time(user.created_at),
        }
    }
}

/// A user and the tokens of a new login.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedIn<'a> {
    /// The user.
    pub user: UserJson<'a>,
    /// The tokens.
    pub session: SessionJson,
}

/// The presence of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusName {
    /// At least one device is online and not away.
    Online,
    /// All devices that are online are away.
    Away,
    /// No device is online.
    Offline,
    /// The caller may not see it, or it cannot be determined now.
    Unknown,
}

/// The presence of a user, and when they were last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct PresenceJson {
    /// The user.
    pub user: WireUserId,
    /// The presence.
    pub status: StatusName,
    /// When the last device went offline, or `null` if one is online or the time is unknown.
    pub last_seen_at: Option<Time>,
}

impl From<Presence> for PresenceJson {
    fn from(presence: Presence) -> Self {
        Self {
            user: Id(presence.user),
            status: match presence.status {
                Status::Online => StatusName::Online,
                Status::Away => StatusName::Away,
                Status::Offline => StatusName::Offline,
                Status::Unknown => StatusName::Unknown,
            },
            last_seen_at: presence.last_seen_at.map(Time),
        }
    }
}

/// The reply to `watch`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Watched {
    /// The present state of the users that the command named.
    pub presence: Vec<PresenceJson>,
}
