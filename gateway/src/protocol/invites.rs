//! Invites to groups.

use std::time::Duration;

use chat_core::{
    command::{Command, InvitePreview},
    error::ChatError,
    model::{ClientId, Invite, InviteCode},
};
use metrics::counter;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::{
    schema,
    value::{Id, Integer, Time, WireConversationId, WireUserId, parse_text},
};
use crate::config::PublicUrl;

/// The code of an invite as a client sends it. `None` if it has not the form of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentCode(Option<InviteCode>);

impl SentCode {
    /// Returns the code. A text that cannot be a code is not found, like one that nobody has made.
    pub fn checked(self) -> Result<InviteCode, ChatError> {
        self.0.ok_or_else(|| {
            counter!("confab_invite_misses_total", "reason" => "malformed").increment(1);
            ChatError::NotFound("invite")
        })
    }
}

impl<'de> Deserialize<'de> for SentCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_text(deserializer, "a code", |text| Some(Self(text.parse().ok())))
    }
}

impl PartialSchema for SentCode {
    fn schema() -> RefOr<Schema> {
        schema::invite_code().into()
    }
}

impl ToSchema for SentCode {}

/// The body of `POST /v1/conversations/{id}/invites`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvite {
    /// How many people may use it: 1 to 10,000. Without it, any number.
    #[schema(schema_with = schema::invite_uses, required = false)]
    max_uses: Option<Integer>,
    /// Its life in seconds: 60 to 31,536,000. Without it, 7 days.
    #[schema(schema_with = schema::invite_life, required = false)]
    expires_in: Option<Integer>,
}

impl CreateInvite {
    /// Returns the maximum number of uses. One that is too large stays so.
    pub fn max_uses(&self) -> Option<u32> {
        self.max_uses.map(|Integer(uses)| u32::try_from(uses).unwrap_or(u32::MAX))
    }

    /// Returns the life.
    pub fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(|Integer(seconds)| Duration::from_secs(seconds))
    }
}

/// The body of `POST /v1/invites/{code}/accept`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvite {
    /// 1 to 64 characters of `A-Z a-z 0-9 _ -`, new for each command.
    #[schema(schema_with = schema::client_id_or_null, required = false)]
    client_id: Option<ClientId>,
}

impl AcceptInvite {
    /// Returns the command for this code.
    pub fn into_command(self, code: InviteCode) -> Command {
        Command::AcceptInvite { code, client_id: self.client_id }
    }
}

/// An invite as the admins of its group see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct InviteJson {
    /// 11 characters of `0-9 A-Z a-z`.
    code: String,
    /// The link for people: an address if the operator has configured one, or else a path.
    url: String,
    /// How many uses are left, or `null` if their number is not limited.
    uses_left: Option<u32>,
    /// How many people may use it, or `null` for any number.
    max_uses: Option<u32>,
    expires_at: Time,
    created_at: Time,
    /// The member who made it.
    created_by: WireUserId,
}

impl InviteJson {
    /// Returns an invite with a link that starts with this address.
    pub fn new(invite: &Invite, public_url: Option<&PublicUrl>) -> Self {
        let start = public_url.map(ToString::to_string).unwrap_or_default();
        Self {
            code: invite.code.to_string(),
            url: format!("{start}/i/{}", invite.code),
            uses_left: invite.uses_left(),
            max_uses: invite.max_uses,
            expires_at: Time(invite.expires_at),
            created_at: Time(invite.created_at),
            created_by: Id(invite.created_by),
        }
    }
}

/// An invite as people see it before they join.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitePreviewJson<'a> {
    code: String,
    conversation: InvitedTo<'a>,
    expires_at: Time,
    /// How many uses are left, or `null` if their number is not limited.
    uses_left: Option<u32>,
}

/// A group as people see it before they join.
#[derive(Debug, Serialize, ToSchema)]
struct InvitedTo<'a> {
    id: WireConversationId,
    title: Option<&'a str>,
    member_count: u32,
}

impl<'a> From<&'a InvitePreview> for InvitePreviewJson<'a> {
    fn from(preview: &'a InvitePreview) -> Self {
        let InvitePreview { invite, title, member_count } = preview;
        Self {
            code: invite.code.to_string(),
            conversation: InvitedTo {
                id: Id(invite.conversation),
                title: title.as_deref(),
                member_count: *member_count,
            },
            expires_at: Time(invite.expires_at),
            uses_left: invite.uses_left(),
        }
    }
}
