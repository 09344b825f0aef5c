//! Conversations and their members.

use std::sync::Arc;

use chat_core::{
    command::{Command, ConversationView, MemberView, Totals},
    error::ChatError,
    model::MembershipState,
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::{
    entry::EntryJson,
    schema,
    users::UserJson,
    value::{Id, KindName, RoleName, WireConversationId, WireUserId},
};

/// The body of `POST /v1/conversations`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateConversation {
    /// The kind.
    pub kind: KindName,
    /// The other user of a direct conversation.
    pub user: Option<WireUserId>,
    /// The title of a group: 1 to 256 bytes.
    pub title: Option<Arc<str>>,
    /// The members of a group, besides the caller.
    pub members: Option<Vec<WireUserId>>,
}

impl PartialSchema for CreateConversation {
    fn schema() -> RefOr<Schema> {
        schema::create_conversation().into()
    }
}

impl ToSchema for CreateConversation {}

impl CreateConversation {
    /// Returns the command, with the request's key for a group. Refuses a member that is missing or
    /// belongs to the other kind.
    pub fn into_command(
        self,
        key: impl FnOnce() -> Result<Arc<str>, ChatError>,
    ) -> Result<Command, ChatError> {
        let foreign = match self.kind {
            KindName::Direct if self.title.is_some() => Some("title"),
            KindName::Direct if self.members.is_some() => Some("members"),
            KindName::Group if self.user.is_some() => Some("user"),
            KindName::Direct | KindName::Group => None,
        };
        if let Some(name) = foreign {
            return Err(ChatError::invalid(name, "unknown field"));
        }
        let required = |name| ChatError::invalid(name, "required");
        match self.kind {
            KindName::Direct => {
                let Id(user) = self.user.ok_or_else(|| required("user"))?;
                Ok(Command::OpenDirect { user })
            }
            KindName::Group => {
                let title = self.title.ok_or_else(|| required("title"))?;
                let members = self.members.unwrap_or_default();
                let members = members.into_iter().map(|Id(id)| id).collect();
                Ok(Command::CreateGroup { title, members, key: key()? })
            }
        }
    }
}

/// The body of `PATCH /v1/conversations/{id}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateConversation {
    /// 1 to 256 bytes.
    #[schema(schema_with = schema::title)]
    pub title: Arc<str>,
}

/// The body of `PUT /v1/conversations/{id}/members/{user}`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMember {
    /// The role. Without it a new member gets `member` and an existing one keeps theirs.
    pub role: Option<RoleName>,
}

/// Whether the caller takes part in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// The caller has not agreed yet.
    Request,
    /// The caller takes part.
    Open,
}

impl From<MembershipState> for StateName {
    fn from(state: MembershipState) -> Self {
        match state {
            MembershipState::Request | MembershipState::Declined => Self::Request,
            MembershipState::Open => Self::Open,
        }
    }
}

impl From<StateName> for MembershipState {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Request => Self::Request,
            StateName::Open => Self::Open,
        }
    }
}

/// A page of the caller's conversations.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationsPage<'a> {
    /// The conversations, newest activity first.
    pub items: Vec<ConversationJson<'a>>,
    /// The `cursor` of the next page, or `null` on the last page.
    pub next_cursor: Option<String>,
    /// Counts over all of the caller's conversations.
    pub totals: TotalsJson,
}

/// Counts over all conversations of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotalsJson {
    /// Open conversations with unread messages.
    unread_conversations: usize,
    /// Conversations whose `state` is `request`.
    requests: usize,
}

impl From<Totals> for TotalsJson {
    fn from(Totals { unread_conversations, requests }: Totals) -> Self {
        Self { unread_conversations, requests }
    }
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
    /// The number of `text` entries after the caller's `read_seq` that are not redacted.
    unread: u64,
    /// The newest `text` entry that the caller may see.
    last_message: Option<EntryJson<'a>>,
    delivered_seq: u64,
    read_seq: u64,
    /// The caller's role.
    role: RoleName,
    state: StateName,
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
            state: view.state.into(),
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
