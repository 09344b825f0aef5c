//! What clients send: the bodies of REST, which are the members of the WebSocket's commands too.
//!
//! Shape only. Whether a text is too long or a name is taken is the domain's to say.

use std::sync::Arc;

use chat_core::{
    command::{Change, Command, Page, Write},
    error::ChatError,
    id::{ConversationId, UserId},
    limits::{MEMBERS_PAGE_MAX, PAGE_DEFAULT, PAGE_MAX, POLL_WAIT_DEFAULT, POLL_WAIT_MAX},
    model::{ClientId, Role, Seq},
};
use utoipa::ToSchema;

use super::{
    fields::{Fields, Shape},
    value::Resume,
};
use crate::secret::Secret;

/// `POST /v1/users`.
#[derive(Debug, ToSchema)]
pub struct Register {
    /// 3 to 32 characters of `a-z 0-9 _ . -`.
    #[schema(example = "ada")]
    pub username: String,
    /// 8 to 1,024 bytes.
    #[schema(value_type = String)]
    pub password: Secret,
    /// 1 to 128 bytes; the user name where it is not given.
    pub display_name: Option<String>,
}

impl Shape for Register {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        Ok(Self {
            username: fields.required("username")?,
            password: fields.required("password")?,
            display_name: fields.optional("display_name")?,
        })
    }
}

/// `POST /v1/sessions`.
#[derive(Debug, ToSchema)]
pub struct LogIn {
    /// Who.
    #[schema(example = "ada")]
    pub username: String,
    /// The secret.
    #[schema(value_type = String)]
    pub password: Secret,
    /// 1 to 128 bytes, for the list of logins.
    pub device: Option<String>,
}

impl Shape for LogIn {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        Ok(Self {
            username: fields.required("username")?,
            password: fields.required("password")?,
            device: fields.optional("device")?,
        })
    }
}

/// `POST /v1/sessions/refresh`.
#[derive(Debug, ToSchema)]
pub struct Refresh {
    /// The newest refresh token of the login.
    #[schema(value_type = String)]
    pub refresh_token: Secret,
}

impl Shape for Refresh {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        Ok(Self { refresh_token: fields.only("refresh_token")? })
    }
}

/// `PATCH /v1/me`.
#[derive(Debug, ToSchema)]
pub struct Profile {
    /// 1 to 128 bytes.
    pub display_name: String,
}

impl Shape for Profile {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        Ok(Self { display_name: fields.only("display_name")? })
    }
}

/// `POST /v1/conversations`.
#[derive(Debug)]
pub enum CreateConversation {
    /// With one other.
    Direct {
        /// The other one.
        user: UserId,
    },
    /// With a title and any number of members.
    Group {
        /// The title.
        title: Arc<str>,
        /// Besides the maker.
        members: Vec<UserId>,
    },
}

/// [`CreateConversation`] for machines: what its kind has not is missing.
#[derive(Debug, ToSchema)]
#[schema(as = CreateConversation)]
#[expect(dead_code, reason = "only a description")]
pub struct CreateConversationSchema {
    /// `direct` or `group`.
    #[schema(example = "group")]
    kind: String,
    /// The other one of a direct conversation.
    user: Option<String>,
    /// A group's title.
    title: Option<String>,
    /// A group's members besides the maker.
    members: Option<Vec<String>>,
}

impl Shape for CreateConversation {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        match fields.required::<String>("kind")?.as_str() {
            "direct" => Ok(Self::Direct { user: fields.required("user")? }),
            "group" => Ok(Self::Group {
                title: fields.required("title")?,
                members: fields.optional("members")?.unwrap_or_default(),
            }),
            _ => Err(ChatError::invalid("kind", "expected direct or group")),
        }
    }
}

/// `PATCH /v1/conversations/{id}`.
#[derive(Debug, ToSchema)]
pub struct UpdateConversation {
    /// 1 to 256 bytes.
    #[schema(value_type = String)]
    pub title: Arc<str>,
}

impl Shape for UpdateConversation {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        Ok(Self { title: fields.only("title")? })
    }
}

/// `PUT /v1/conversations/{id}/members/{user}`.
#[derive(Debug, Default, ToSchema)]
pub struct SetMember {
    /// `owner`, `admin` or `member`.
    #[schema(value_type = Option<super::answer::RoleName>)]
    pub role: Option<Role>,
}

impl Shape for SetMember {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        Ok(Self { role: fields.optional("role")? })
    }
}

/// `POST …/messages`, and `send`.
#[derive(Debug, ToSchema)]
pub struct Send {
    /// 1 to 64 characters of `A-Z a-z 0-9 _ -`, new for each command.
    #[schema(value_type = String, example = "ada-7f3c01")]
    pub client_id: ClientId,
    /// 1 to 16,384 bytes.
    #[schema(value_type = String)]
    pub text: Arc<str>,
    /// The `seq` of the text that it answers.
    #[schema(value_type = Option<u64>)]
    pub reply_to: Option<Seq>,
    /// The `seq` that the entry must get.
    #[schema(value_type = Option<u64>)]
    pub expected_seq: Option<Seq>,
    /// The newest `seq` known when the command was first made.
    #[schema(value_type = Option<u64>)]
    pub base_seq: Option<Seq>,
}

impl Shape for Send {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        Ok(Self {
            client_id: fields.required("client_id")?,
            text: fields.required("text")?,
            reply_to: fields.optional("reply_to")?,
            expected_seq: fields.optional("expected_seq")?,
            base_seq: fields.optional("base_seq")?,
        })
    }
}

impl Send {
    /// What is asked of the domain.
    pub fn into_command(self, conversation: ConversationId) -> Command {
        Command::Write(Write {
            conversation,
            client_id: Some(self.client_id),
            expected_seq: self.expected_seq,
            base_seq: self.base_seq,
            change: Change::Text { text: self.text, reply_to: self.reply_to },
        })
    }
}

/// `PATCH …/messages/{seq}`, and `edit`.
#[derive(Debug, ToSchema)]
pub struct Edit {
    /// 1 to 64 characters of `A-Z a-z 0-9 _ -`, new for each command.
    #[schema(value_type = String, example = "ada-7f3c02")]
    pub client_id: ClientId,
    /// 1 to 16,384 bytes.
    #[schema(value_type = String)]
    pub text: Arc<str>,
    /// The newest `seq` known when the command was first made.
    #[schema(value_type = Option<u64>)]
    pub base_seq: Option<Seq>,
}

impl Shape for Edit {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        Ok(Self {
            client_id: fields.required("client_id")?,
            text: fields.required("text")?,
            base_seq: fields.optional("base_seq")?,
        })
    }
}

impl Edit {
    /// What is asked of the domain.
    pub fn into_command(self, conversation: ConversationId, target_seq: Seq) -> Command {
        Command::Write(Write {
            conversation,
            client_id: Some(self.client_id),
            expected_seq: None,
            base_seq: self.base_seq,
            change: Change::Edit { target_seq, text: self.text },
        })
    }
}

/// `POST …/receipts`, and `receipt`.
#[derive(Debug, ToSchema)]
pub struct Receipts {
    /// Reached a device.
    #[schema(value_type = Option<u64>)]
    pub delivered_seq: Option<Seq>,
    /// Seen by a person.
    #[schema(value_type = Option<u64>)]
    pub read_seq: Option<Seq>,
}

impl Shape for Receipts {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        let receipts = Self {
            delivered_seq: fields.optional("delivered_seq")?,
            read_seq: fields.optional("read_seq")?,
        };
        if receipts.delivered_seq.or(receipts.read_seq).is_none() {
            return Err(ChatError::invalid("read_seq", "read_seq or delivered_seq is required"));
        }
        Ok(receipts)
    }
}

impl Receipts {
    /// What is asked of the domain.
    pub fn into_command(self, conversation: ConversationId) -> Command {
        let Self { delivered_seq, read_seq } = self;
        Command::Receipt { conversation, delivered_seq, read_seq }
    }
}

/// `POST /v1/poll`.
#[derive(Debug, ToSchema)]
pub struct Poll {
    /// Cursors; left out: from now.
    #[schema(value_type = Option<std::collections::HashMap<String, u64>>)]
    pub resume: Option<Resume>,
    /// How long to wait, in milliseconds.
    #[schema(value_type = Option<u64>, maximum = 30_000)]
    pub wait_ms: u64,
}

impl Shape for Poll {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        let resume = fields.optional("resume")?;
        let wait_ms = fields.optional("wait_ms")?.unwrap_or(millis(POLL_WAIT_DEFAULT));
        if wait_ms > millis(POLL_WAIT_MAX) {
            return Err(ChatError::invalid("wait_ms", "expected 0 to 30000"));
        }
        Ok(Self { resume, wait_ms })
    }
}

/// Whole milliseconds of a duration.
pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Which part of a log: the members of `history`, and the query of the history call.
#[derive(Debug, Default, Clone, Copy)]
pub struct Paging {
    /// The newest before it.
    pub before_seq: Option<Seq>,
    /// The oldest after it.
    pub after_seq: Option<Seq>,
    /// It, and what is near it.
    pub around_seq: Option<Seq>,
    /// How many.
    pub limit: Option<u64>,
}

impl Shape for Paging {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError> {
        Ok(Self {
            before_seq: fields.optional("before_seq")?,
            after_seq: fields.optional("after_seq")?,
            around_seq: fields.optional("around_seq")?,
            limit: fields.optional("limit")?,
        })
    }
}

impl Paging {
    /// What is asked of the domain.
    pub fn into_command(self, conversation: ConversationId) -> Result<Command, ChatError> {
        let limit = page_limit(self.limit)?;
        let page = match (self.before_seq, self.after_seq, self.around_seq) {
            (None, None, None) => Page::Newest,
            (Some(seq), None, None) => Page::Before(seq),
            (None, Some(seq), None) => Page::After(seq),
            (None, None, Some(seq)) => Page::Around(seq),
            (Some(_), Some(_), _) => return Err(only_one("after_seq")),
            (_, _, Some(_)) => return Err(only_one("around_seq")),
        };
        Ok(Command::History { conversation, page, limit })
    }
}

fn only_one(field: &str) -> ChatError {
    ChatError::invalid(field, "only one of before_seq, after_seq and around_seq")
}

/// The `limit` of a page: 1 to 100, 50 where it is not given.
pub fn page_limit(limit: Option<u64>) -> Result<usize, ChatError> {
    limit_of(limit, PAGE_DEFAULT, PAGE_MAX)
}

/// How many members: all of a usual group when nobody says.
pub fn members_limit(limit: Option<u64>) -> Result<usize, ChatError> {
    limit_of(limit, MEMBERS_PAGE_MAX, MEMBERS_PAGE_MAX)
}

fn limit_of(limit: Option<u64>, default: usize, max: usize) -> Result<usize, ChatError> {
    match limit.map(usize::try_from) {
        None => Ok(default),
        Some(Ok(limit)) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => Err(ChatError::invalid("limit", format!("expected 1 to {max}"))),
    }
}
