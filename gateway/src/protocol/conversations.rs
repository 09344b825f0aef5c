//! Conversations and their members.

use std::sync::Arc;

use chat_core::{
    command::{ConversationView, MemberView},
    error::ChatError,
    id::UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    entry::EntryJson,
    users::UserJson,
    value::{Id, KindName, RoleName, WireConversationId, WireUserId},
};

/// The body of `POST /v1/conversations`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateConversation {
    /// The kind.
    pub kind: KindName,
    /// The other user of a direct conversation.
    pub user: Option<WireUserId>,
    /// The title of a group: 1 to 256 bytes.
    #[schema(value_type = Option<String>)]
    pub title: Option<Arc<str>>,
    /// The members of a group, besides the caller.
    pub members: Option<Vec<WireUserId>>,
}

/// A [`CreateConversation`] that has what its kind needs, and nothing else.
#[derive(Debug, PartialEq, Eq)]
pub enum NewConversation {
    /// The direct conversation with this user.
    Direct {
        /// The other user.
        user: UserId,
    },
    /// A group.
    Group {
        /// The title.
        title: Arc<str>,
        /// The members besides the caller.
        members: Vec<UserId>,
    },
}

impl TryFrom<CreateConversation> for NewConversation {
    type Error = ChatError;

    fn try_from(body: CreateConversation) -> Result<Self, ChatError> {
        let required = |name| ChatError::invalid(name, "required");
        let unknown = |name| Err(ChatError::invalid(name, "unknown field"));
        match body {
            CreateConversation { kind: KindName::Direct, title: Some(_), .. } => unknown("title"),
            CreateConversation { kind: KindName::Direct, members: Some(_), .. } => {
                unknown("members")
            }
            CreateConversation { kind: KindName::Group, user: Some(_), .. } => unknown("user"),
            CreateConversation { kind: KindName::Direct, user, .. } => {
                let Id(user) = user.ok_or_else(|| required("user"))?;
                Ok(Self::Direct { user })
            }
            CreateConversation { kind: KindName::Group, title, members, .. } => {
                let title = title.ok_or_else(|| required("title"))?;
                let members = members.unwrap_or_default().into_iter().map(|Id(id)| id).collect();
                Ok(Self::Group { title, members })
            }
        }
    }
}

/// The body of `PATCH /v1/conversations/{id}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateConversation {
    /// 1 to 256 bytes.
    #[schema(value_type = String)]
    pub title: Arc<str>,
}

/// The body of `PUT /v1/conversations/{id}/members/{user}`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMember {
    /// The role. Without it a new member gets `member` and an existing one keeps theirs.
    pub role: Option<RoleName>,
}

/// A conversation as one of its members sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationJson<'a> {
    id: WireConversationId,
    kind: KindName,
    /// The title of a group, or `null` in a direct conversation.
    title: Option<&'a str>,
    /// The `seq` of the newest entry.
    head_seq: u64,
    /// The number of `text` entries after the caller's `read_seq`.
    unread: u64,
    /// The newest `text` entry that the caller may see.
    last_message: Option<EntryJson<'a>>,
    delivered_seq: u64,
    read_seq: u64,
    /// The caller's role.
    role: RoleName,
    member_count: u32,
    /// The other user of a direct conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<UserJson<'a>>,
}

impl<'a> From<&'a ConversationView> for ConversationJson<'a> {
    fn from(view: &'a ConversationView) -> Self {
        Self {
            id: Id(view.id),
            kind: view.kind.into(),
            title: view.title.as_deref(),
            head_seq: view.head_seq.get(),
            unread: view.unread,
            last_message: view.last_message.as_ref().map(EntryJson::from),
            delivered_seq: view.cursor.delivered_seq.get(),
            read_seq: view.cursor.read_seq.get(),
            role: view.role.into(),
            member_count: view.member_count,
            peer: view.peer.as_ref().map(UserJson::from),
        }
    }
}

/// A member as the other members see them.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberJson {
    user: WireUserId,
    role: RoleName,
    /// The first `seq` that the member sees.
    joined_seq: u64,
    delivered_seq: u64,
    read_seq: u64,
}

impl From<&MemberView> for MemberJson {
    fn from(view: &MemberView) -> Self {
        Self {
            user: Id(view.member.user),
            role: view.member.role.into(),
            joined_seq: view.member.joined_seq.get(),
            delivered_seq: view.cursor.delivered_seq.get(),
            read_seq: view.cursor.read_seq.get(),
        }
    }
}
