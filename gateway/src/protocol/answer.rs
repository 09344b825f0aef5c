//! What is answered: the objects of REST and of replies, borrowed from the domain's values.

use chat_core::{
    command::{ConversationView, MemberView, Written},
    id::{ConversationId, LoginId, UserId},
    limits,
    model::{Kind, Login, User},
    time::Timestamp,
    view::EntryView,
};
use presence::{Presence, Status};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    body::millis,
    entry::{EntryJson, entries},
    value::{Cursors, Shown, role_name},
};

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserJson<'a> {
    #[schema(value_type = String, example = "286772161220186112")]
    id: Shown<UserId>,
    #[schema(example = "ada")]
    username: &'a str,
    display_name: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Shown<Timestamp>,
}

impl<'a> From<&'a User> for UserJson<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: Shown(user.id),
            username: user.username.as_str(),
            display_name: &user.display_name,
            created_at: Shown(user.created_at),
        }
    }
}

/// A fresh login's tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionJson {
    /// The login.
    #[schema(value_type = String, example = "291133352029720579")]
    pub id: Shown<LoginId>,
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// Seconds that the access token has.
    pub expires_in: u64,
    /// For `POST /v1/sessions/refresh`, once.
    pub refresh_token: String,
}

/// A user and the tokens of a new login.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedIn<'a> {
    /// Who.
    #[schema(inline)]
    pub user: UserJson<'a>,
    /// Its tokens.
    pub session: SessionJson,
}

/// The tokens after an exchange.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refreshed {
    /// The tokens.
    pub session: SessionJson,
}

/// One of the caller's logins.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginJson<'a> {
    #[schema(value_type = String)]
    id: Shown<LoginId>,
    device: Option<&'a str>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Shown<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Shown<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Shown<Timestamp>,
    /// Whether it is the one that asks.
    current: bool,
}

impl<'a> LoginJson<'a> {
    /// As the login `current` sees it.
    pub fn new(login: &'a Login, current: LoginId) -> Self {
        Self {
            id: Shown(login.id),
            device: login.device.as_deref(),
            created_at: Shown(login.created_at),
            last_used_at: Shown(login.used_at),
            expires_at: Shown(login.expires_at),
            current: login.id == current,
        }
    }
}

/// A whole list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Items<T> {
    /// What is in it.
    pub items: Vec<T>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Paged<T> {
    /// What is in it.
    pub items: Vec<T>,
    /// For the next page; `null`: this was the last one.
    pub next_cursor: Option<String>,
}

/// A role's name.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum RoleName {
    /// Everything.
    Owner,
    /// Members, titles, redactions.
    Admin,
    /// One's own.
    Member,
}

/// A conversation as one of its members sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationJson<'a> {
    #[schema(value_type = String, example = "291139937883918336")]
    id: Shown<ConversationId>,
    /// `direct` or `group`.
    kind: &'static str,
    title: Option<&'a str>,
    head_seq: u64,
    /// `text` entries after one's own `read_seq`.
    unread: u64,
    #[schema(value_type = Option<EntrySchema>)]
    last_message: Option<EntryJson<'a>>,
    delivered_seq: u64,
    read_seq: u64,
    #[schema(value_type = RoleName)]
    role: &'static str,
    member_count: u32,
    /// The other one of a direct conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<UserJson<'a>>,
}

impl<'a> From<&'a ConversationView> for ConversationJson<'a> {
    fn from(view: &'a ConversationView) -> Self {
        Self {
            id: Shown(view.id),
            kind: match view.kind {
                Kind::Direct => "direct",
                Kind::Group => "group",
            },
            title: view.title.as_deref(),
            head_seq: view.head_seq.get(),
            unread: view.unread,
            last_message: view.last_message.as_ref().map(EntryJson),
            delivered_seq: view.cursor.delivered_seq.get(),
            read_seq: view.cursor.read_seq.get(),
            role: role_name(view.role),
            member_count: view.member_count,
            peer: view.peer.as_ref().map(UserJson::from),
        }
    }
}

/// A member as the others see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberJson {
    #[schema(value_type = String)]
    user: Shown<UserId>,
    #[schema(value_type = RoleName)]
    role: &'static str,
    /// The first `seq` that this member sees.
    joined_seq: u64,
    delivered_seq: u64,
    read_seq: u64,
}

impl From<&MemberView> for MemberJson {
    fn from(view: &MemberView) -> Self {
        Self {
            user: Shown(view.member.user),
            role: role_name(view.member.role),
            joined_seq: view.member.joined_seq.get(),
            delivered_seq: view.cursor.delivered_seq.get(),
            read_seq: view.cursor.read_seq.get(),
        }
    }
}

/// The entry that stands for a command.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sent<'a> {
    #[schema(value_type = EntrySchema)]
    message: EntryJson<'a>,
    /// Whether it was there before: a repeat, or nothing to change.
    replayed: bool,
}

impl<'a> From<&'a Written> for Sent<'a> {
    fn from(written: &'a Written) -> Self {
        Self { message: EntryJson(&written.entry), replayed: written.replayed }
    }
}

/// A page of a log, ascending.
#[derive(Debug, Serialize, ToSchema)]
pub struct History<'a> {
    /// The entries.
    #[serde(serialize_with = "entries")]
    #[schema(value_type = Vec<EntrySchema>)]
    pub items: &'a [EntryView],
    /// The newest `seq` of the log.
    pub head_seq: u64,
}

/// Whether somebody is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusName {
    /// A device is here and not away.
    Online,
    /// All that are here are away.
    Away,
    /// None is here.
    Offline,
    /// Not for the asker to know, or not known now.
    Unknown,
}

/// Whether somebody is here, and until when they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct PresenceJson {
    /// Who.
    #[schema(value_type = String)]
    pub user: Shown<UserId>,
    /// Whether.
    pub status: StatusName,
    /// When the last device went, where it has and it is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen_at: Option<Shown<Timestamp>>,
}

impl From<Presence> for PresenceJson {
    fn from(presence: Presence) -> Self {
        Self {
            user: Shown(presence.user),
            status: match presence.status {
                Status::Online => StatusName::Online,
                Status::Away => StatusName::Away,
                Status::Offline => StatusName::Offline,
                Status::Unknown => StatusName::Unknown,
            },
            last_seen_at: presence.last_seen_at.map(Shown),
        }
    }
}

/// `ok` of `watch`.
#[derive(Debug, Serialize)]
pub struct Watched {
    /// The users named, as they are now.
    pub presence: Vec<PresenceJson>,
}

/// `ok` of `refresh`.
#[derive(Debug, Serialize)]
pub struct TokenTaken {
    /// Seconds that the new access token has.
    pub expires_in: u64,
}

/// `ok` of `hello`.
#[derive(Debug, Serialize)]
pub struct Welcome<'a> {
    /// Who.
    pub user: Shown<UserId>,
    /// By which login.
    pub session: Shown<LoginId>,
    /// How often the server pings.
    pub heartbeat_ms: u64,
    /// The bounds in force.
    pub limits: Limits,
    /// The server's clock.
    pub server_time: Shown<Timestamp>,
    /// The heads of all conversations.
    pub resume: Cursors<'a>,
}

/// The bounds that `hello` tells.
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Limits {
    text_bytes_max: usize,
    title_bytes_max: usize,
    frame_bytes_max: usize,
    members_max: u32,
    conversations_max: usize,
    commands_in_flight_max: usize,
    poll_wait_ms_max: u64,
    resume_entries_max: u64,
    rate_limits: Option<RateLimits>,
}

/// How often a login may write.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RateLimits {
    /// Refilled evenly.
    pub messages_per_second: u32,
    /// At once.
    pub burst: u32,
}

impl Limits {
    /// The product's bounds, with these limits of the rate.
    pub fn new(rate_limits: Option<RateLimits>) -> Self {
        Self {
            text_bytes_max: limits::TEXT_BYTES_MAX,
            title_bytes_max: limits::TITLE_BYTES_MAX,
            frame_bytes_max: limits::FRAME_BYTES_MAX,
            members_max: limits::MEMBERS_MAX,
            conversations_max: limits::CONVERSATIONS_MAX,
            commands_in_flight_max: limits::COMMANDS_IN_FLIGHT_MAX,
            poll_wait_ms_max: millis(limits::POLL_WAIT_MAX),
            resume_entries_max: limits::RESUME_ENTRIES_MAX,
            rate_limits,
        }
    }
}

/// An entry: what its kind has besides is optional here.
#[derive(Debug, ToSchema)]
#[schema(as = Entry)]
#[expect(dead_code, reason = "only a description; EntryJson writes it")]
pub struct EntrySchema {
    conversation: String,
    seq: u64,
    id: String,
    sender: String,
    client_id: Option<String>,
    #[schema(format = DateTime)]
    sent_at: String,
    /// `text`, `edited`, `redacted`, `reaction`, `joined`, `left`, `role` or `title`.
    kind: String,
    text: Option<String>,
    reply_to: Option<u64>,
    #[schema(format = DateTime)]
    edited_at: Option<String>,
    redacted: Option<bool>,
    reactions: Option<Vec<ReactionSchema>>,
    target_seq: Option<u64>,
    emoji: Option<String>,
    on: Option<bool>,
    user: Option<String>,
    by: Option<String>,
    role: Option<RoleName>,
    title: Option<String>,
}

/// Who put an emoji on a text.
#[derive(Debug, ToSchema)]
#[schema(as = Reaction)]
#[expect(dead_code, reason = "only a description")]
pub struct ReactionSchema {
    emoji: String,
    users: Vec<String>,
}
