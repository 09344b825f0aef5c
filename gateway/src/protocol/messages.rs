//! Writing to a log and reading it: bodies of REST, members of the WebSocket's commands, answers.

use std::sync::Arc;

use chat_core::{
    command::{Change, Command, Page, Write, Written},
    error::ChatError,
    id::ConversationId,
    limits::{MEMBERS_PAGE_MAX, PAGE_DEFAULT, PAGE_MAX},
    model::{ClientId, Seq},
    view::EntryView,
};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr, Required, Schema,
        path::{Parameter, ParameterIn},
    },
};

use super::{
    entry::EntryJson,
    schema,
    value::{Id, Integer, WireAttachmentId},
};

/// The body of `POST …/messages`, and the members of `send`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// 1 to 64 characters of `A-Z a-z 0-9 _ -`, new for each command.
    #[schema(schema_with = schema::client_id, example = "ada-7f3c01")]
    pub client_id: ClientId,
    /// 1 to 16,384 bytes. May be empty if there are attachments.
    #[schema(schema_with = schema::text_of_message)]
    pub text: Arc<str>,
    /// The `seq` of the text that this one answers.
    pub reply_to: Option<Integer>,
    /// Complete files that the caller has uploaded for this conversation, each for one message.
    #[schema(schema_with = schema::attachments, required = false)]
    #[serde(default)]
    pub attachments: Vec<WireAttachmentId>,
    /// The `seq` that the entry must get.
    pub expected_seq: Option<Integer>,
    /// The newest `seq` that the client knew when it first sent the command.
    pub base_seq: Option<Integer>,
}

impl Send {
    /// Returns the command for this conversation.
    pub fn into_command(self, conversation: ConversationId) -> Command {
        Command::Write(Write {
            conversation,
            client_id: Some(self.client_id),
            expected_seq: self.expected_seq.map(Seq::from),
            base_seq: self.base_seq.map(Seq::from),
            change: Change::Text {
                text: self.text,
                reply_to: self.reply_to.map(Seq::from),
                attachments: self.attachments.into_iter().map(|Id(id)| id).collect(),
            },
        })
    }
}

/// The body of `PATCH …/messages/{seq}`, and the members of `edit`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// 1 to 64 characters of `A-Z a-z 0-9 _ -`, new for each command.
    #[schema(schema_with = schema::client_id, example = "ada-7f3c02")]
    pub client_id: ClientId,
    /// 1 to 16,384 bytes.
    #[schema(schema_with = schema::text)]
    pub text: Arc<str>,
    /// The newest `seq` that the client knew when it first sent the command.
    pub base_seq: Option<Integer>,
}

impl Edit {
    /// Returns the command for this entry of this conversation.
    pub fn into_command(self, conversation: ConversationId, target_seq: Seq) -> Command {
        Command::Write(Write {
            conversation,
            client_id: Some(self.client_id),
            expected_seq: None,
            base_seq: self.base_seq.map(Seq::from),
            change: Change::Edit { target_seq, text: self.text },
        })
    }
}

/// The body of `POST …/receipts`, and the members of `receipt`. At least one is required.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipts {
    /// Up to this `seq`, entries have reached a device.
    pub delivered_seq: Option<Integer>,
    /// Up to this `seq`, the user has seen entries.
    pub read_seq: Option<Integer>,
}

impl PartialSchema for Receipts {
    fn schema() -> RefOr<Schema> {
        schema::receipts().into()
    }
}

impl ToSchema for Receipts {}

impl Receipts {
    /// Returns the command for this conversation, or `invalid` if both members are missing.
    pub fn into_command(self, conversation: ConversationId) -> Result<Command, ChatError> {
        let Self { delivered_seq, read_seq } = self;
        if delivered_seq.or(read_seq).is_none() {
            return Err(ChatError::invalid("read_seq", "read_seq or delivered_seq is required"));
        }
        Ok(Command::Receipt {
            conversation,
            delivered_seq: delivered_seq.map(Seq::from),
            read_seq: read_seq.map(Seq::from),
        })
    }
}

/// The query of the history call, and the members of `history`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// The newest entries before this `seq`.
    pub before_seq: Option<Integer>,
    /// The oldest entries after this `seq`.
    pub after_seq: Option<Integer>,
    /// This entry and those around it.
    pub around_seq: Option<Integer>,
    /// The number of entries: 1 to 100, 50 by default.
    pub limit: Option<Integer>,
}

impl PartialSchema for Paging {
    fn schema() -> RefOr<Schema> {
        schema::paging().into()
    }
}

impl ToSchema for Paging {}

impl IntoParams for Paging {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![schema::query_parameter("page", Required::False, schema::paging())]
    }
}

impl Paging {
    /// Returns the command for this conversation. Refuses a limit that is out of range, and more
    /// than one position.
    pub fn into_command(self, conversation: ConversationId) -> Result<Command, ChatError> {
        let limit = page_limit(self.limit)?;
        let only_one = |field| {
            Err(ChatError::invalid(field, "only one of before_seq, after_seq and around_seq"))
        };
        let page = match (self.before_seq, self.after_seq, self.around_seq) {
            (None, None, None) => Page::Newest,
            (Some(seq), None, None) => Page::Before(seq.into()),
            (None, Some(seq), None) => Page::After(seq.into()),
            (None, None, Some(seq)) => Page::Around(seq.into()),
            (Some(_), Some(_), _) => return only_one("after_seq"),
            (_, _, Some(_)) => return only_one("around_seq"),
        };
        Ok(Command::History { conversation, page, limit })
    }
}

/// Returns the `limit` of a page: 1 to [`PAGE_MAX`], by default [`PAGE_DEFAULT`].
pub fn page_limit(limit: Option<Integer>) -> Result<usize, ChatError> {
    checked_limit(limit, PAGE_DEFAULT, PAGE_MAX)
}

/// Returns the `limit` of a page of members: 1 to [`MEMBERS_PAGE_MAX`], which is the default.
pub fn members_limit(limit: Option<Integer>) -> Result<usize, ChatError> {
    checked_limit(limit, MEMBERS_PAGE_MAX, MEMBERS_PAGE_MAX)
}

fn checked_limit(limit: Option<Integer>, default: usize, max: usize) -> Result<usize, ChatError> {
    match limit.map(|Integer(limit)| usize::try_from(limit)) {
        None => Ok(default),
        Some(Ok(limit)) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => Err(ChatError::invalid("limit", format!("expected 1 to {max}"))),
    }
}

/// The answer to a write.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sent<'a> {
    /// The entry of the write.
    message: EntryJson<'a>,
    /// True if the entry existed before: the command was a repeat or changed nothing.
    replayed: bool,
}

impl<'a> From<&'a Written> for Sent<'a> {
    fn from(written: &'a Written) -> Self {
        Self { message: EntryJson::from(&written.entry), replayed: written.replayed }
    }
}

/// A page of a log, ascending by `seq`.
#[derive(Debug, Serialize, ToSchema)]
pub struct History<'a> {
    /// The entries.
    items: Vec<EntryJson<'a>>,
    /// The `seq` of the newest entry of the log.
    head_seq: u64,
}

impl<'a> History<'a> {
    /// Describes these entries of a log with this head.
    pub fn new(items: &'a [EntryView], head_seq: Seq) -> Self {
        Self { items: items.iter().map(EntryJson::from).collect(), head_seq: head_seq.get() }
    }
}
