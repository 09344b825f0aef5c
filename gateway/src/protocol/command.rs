//! A WebSocket frame from a client: which command, by what id.

use chat_core::{
    command::{Change, Command, Write},
    error::ChatError,
    id::{ConversationId, UserId},
    limits::WATCHED_MAX,
};

use super::{
    body::{Edit, Paging, Receipts, Send},
    fields::{Fields, FromJson, Shape, value},
    value::Resume,
};
use crate::secret::Secret;

/// What a frame asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientCommand {
    /// Says who is there; the first one.
    Hello(Hello),
    /// Something for the domain.
    Chat(Command),
    /// Show the presence of these users, now and when it changes.
    Watch(Vec<UserId>),
    /// No more.
    Unwatch(Vec<UserId>),
    /// This device is away, or back.
    Away {
        /// Whether.
        on: bool,
    },
    /// A new access token of the same login.
    Refresh {
        /// The token.
        token: Secret,
    },
    /// Answer, please.
    Ping,
}

impl ClientCommand {
    /// The conversation that it is about, if it is about one.
    pub const fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Chat(command) => conversation_of(command),
            Self::Hello(_)
            | Self::Watch(_)
            | Self::Unwatch(_)
            | Self::Away { .. }
            | Self::Refresh { .. }
            | Self::Ping => None,
        }
    }
}

const fn conversation_of(command: &Command) -> Option<ConversationId> {
    match command {
        Command::Write(write) => Some(write.conversation),
        Command::Receipt { conversation, .. }
        | Command::Typing { conversation, .. }
        | Command::History { conversation, .. }
        | Command::Conversation { conversation }
        | Command::Member { conversation, .. }
        | Command::Members { conversation, .. } => Some(*conversation),
        Command::OpenDirect { .. }
        | Command::CreateGroup { .. }
        | Command::Conversations { .. } => None,
    }
}

/// The members of `hello`.
#[derive(Debug, PartialEq, Eq)]
pub struct Hello {
    /// The access token.
    pub token: Secret,
    /// Cursors; left out: from now.
    pub resume: Option<Resume>,
    /// The client's own name for itself, for the operator's eyes.
    pub client: Option<ClientName>,
}

/// What a client calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName {
    /// The program.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

impl FromJson for ClientName {
    const EXPECTED: &'static str = "an object of name and version";

    fn from_json(json: &str) -> Option<Self> {
        let mut fields: Fields<'_> = value(json)?;
        let client =
            Self { name: fields.optional("name").ok()?, version: fields.optional("version").ok()? };
        fields.end().ok()?;
        Some(client)
    }
}

/// A frame that is no command, as far as it could be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id; without a usable one there is nothing to answer to but `null`.
    pub id: Option<u64>,
    /// The conversation that it names.
    pub conversation: Option<ConversationId>,
    /// What is wrong.
    pub error: ChatError,
}

/// Reads one frame.
pub fn parse(text: &str) -> Result<(u64, ClientCommand), Unreadable> {
    let nameless = |field| Unreadable { id: None, conversation: None, error: no_command(field) };
    let mut fields = Fields::parse(text.as_bytes()).map_err(|_| nameless(None))?;
    let id = fields.required::<u64>("id").map_err(|_| nameless(Some("id")))?;
    let command = command(&mut fields).and_then(|command| fields.end().map(|()| command));
    command.map(|command| (id, command)).map_err(|error| Unreadable {
        id: Some(id),
        conversation: named(text),
        error,
    })
}

/// The conversation that a frame names, whatever else is wrong with it.
fn named(text: &str) -> Option<ConversationId> {
    Fields::parse(text.as_bytes()).ok()?.optional("conversation").ok()?
}

fn no_command(field: Option<&str>) -> ChatError {
    ChatError::Invalid {
        field: field.map(str::to_owned),
        message: "a frame is one JSON object with an integer id".to_owned(),
    }
}

fn command(fields: &mut Fields<'_>) -> Result<ClientCommand, ChatError> {
    use ClientCommand as C;
    Ok(match fields.required::<String>("cmd")?.as_str() {
        "hello" => C::Hello(hello(fields)?),
        "send" => C::Chat(Send::take(fields)?.into_command(conversation(fields)?)),
        "edit" => {
            let edit = Edit::take(fields)?;
            C::Chat(edit.into_command(conversation(fields)?, fields.required("seq")?))
        }
        "redact" => C::Chat(redact(fields)?),
        "react" => C::Chat(react(fields)?),
        "receipt" => C::Chat(Receipts::take(fields)?.into_command(conversation(fields)?)),
        "typing" => C::Chat(Command::Typing {
            conversation: conversation(fields)?,
            on: fields.required("on")?,
        }),
        "history" => C::Chat(Paging::take(fields)?.into_command(conversation(fields)?)?),
        "watch" => C::Watch(users(fields)?),
        "unwatch" => C::Unwatch(users(fields)?),
        "away" => C::Away { on: fields.required("on")? },
        "refresh" => C::Refresh { token: fields.required("token")? },
        "ping" => C::Ping,
        _ => return Err(ChatError::invalid("cmd", "unknown command")),
    })
}

fn conversation(fields: &mut Fields<'_>) -> Result<ConversationId, ChatError> {
    fields.required("conversation")
}

fn hello(fields: &mut Fields<'_>) -> Result<Hello, ChatError> {
    Ok(Hello {
        token: fields.required("token")?,
        resume: fields.optional("resume")?,
        client: fields.optional("client")?,
    })
}

fn redact(fields: &mut Fields<'_>) -> Result<Command, ChatError> {
    let change = Change::Redact { target_seq: fields.required("seq")? };
    change_by_nature(fields, change)
}

fn react(fields: &mut Fields<'_>) -> Result<Command, ChatError> {
    let change = Change::React {
        target_seq: fields.required("seq")?,
        emoji: fields.required("emoji")?,
        on: fields.required("on")?,
    };
    change_by_nature(fields, change)
}

/// A change that is idempotent by nature needs no `client_id`.
fn change_by_nature(fields: &mut Fields<'_>, change: Change) -> Result<Command, ChatError> {
    Ok(Command::Write(Write {
        conversation: conversation(fields)?,
        client_id: fields.optional("client_id")?,
        expected_seq: None,
        base_seq: fields.optional("base_seq")?,
        change,
    }))
}

fn users(fields: &mut Fields<'_>) -> Result<Vec<UserId>, ChatError> {
    let users: Vec<UserId> = fields.required("users")?;
    if users.len() > WATCHED_MAX {
        return Err(ChatError::TooLarge { field: "users", max: WATCHED_MAX });
    }
    Ok(users)
}
