//! Commands: the frames that clients send over a WebSocket.

use std::sync::Arc;

use chat_core::{
    command::{Change, Command, Write},
    error::ChatError,
    id::{ConversationId, UserId},
    limits::WATCHED_MAX,
    model::{ClientId, Seq},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    hello::Hello,
    invites::{AcceptInvite, SentCode},
    messages::{Edit, Paging, Receipts, Send},
    read::Object,
    schema,
    value::{Id, Integer, WireConversationId, WireUserId},
};
use crate::secret::Secret;

/// A command of a WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientCommand {
    /// Authenticates the socket. The first command.
    Hello(Hello),
    /// A command of the domain.
    Chat(Command),
    /// Sends the presence of these users now and whenever it changes.
    Watch(Vec<UserId>),
    /// Stops sending the presence of these users.
    Unwatch(Vec<UserId>),
    /// Marks this device as away or back.
    Away {
        /// True if it is away.
        on: bool,
    },
    /// Replaces the access token by a newer one of the same login.
    Refresh {
        /// The new token.
        token: Secret,
    },
    /// Asks for an empty reply.
    Ping,
}

impl ClientCommand {
    /// Returns the conversation that the command is about.
    pub const fn conversation(&self) -> Option<ConversationId> {
        let Self::Chat(command) = self else { return None };
        match command {
            Command::Write(write) => Some(write.conversation),
            Command::Receipt { conversation, .. }
            | Command::Typing { conversation, .. }
            | Command::History { conversation, .. }
            | Command::Conversation { conversation }
            | Command::Accept { conversation }
            | Command::Decline { conversation }
            | Command::Member { conversation, .. }
            | Command::Members { conversation, .. } => Some(*conversation),
            Command::OpenDirect { .. }
            | Command::CreateGroup { .. }
            | Command::AcceptInvite { .. }
            | Command::Search { .. }
            | Command::Conversations { .. } => None,
        }
    }
}

/// The name of a command: its `cmd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandName {
    Hello,
    Send,
    Edit,
    Redact,
    React,
    Receipt,
    Typing,
    History,
    AcceptInvite,
    Watch,
    Unwatch,
    Away,
    Refresh,
    Ping,
}

impl CommandName {
    /// All commands. Only these are read.
    pub(crate) const ALL: [Self; 14] = [
        Self::Hello,
        Self::Send,
        Self::Edit,
        Self::Redact,
        Self::React,
        Self::Receipt,
        Self::Typing,
        Self::History,
        Self::AcceptInvite,
        Self::Watch,
        Self::Unwatch,
        Self::Away,
        Self::Refresh,
        Self::Ping,
    ];

    /// Returns the name in frames.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Send => "send",
            Self::Edit => "edit",
            Self::Redact => "redact",
            Self::React => "react",
            Self::Receipt => "receipt",
            Self::Typing => "typing",
            Self::History => "history",
            Self::AcceptInvite => "accept_invite",
            Self::Watch => "watch",
            Self::Unwatch => "unwatch",
            Self::Away => "away",
            Self::Refresh => "refresh",
            Self::Ping => "ping",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.text() == text)
    }
}

/// A frame that is not a valid command.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The command's id. Without a valid one the reply goes to `null`.
    pub id: Option<u64>,
    /// The conversation that the frame names.
    pub conversation: Option<ConversationId>,
    /// What is wrong.
    pub error: ChatError,
}

/// Reads a frame as a command and its id.
pub fn parse(text: &str) -> Result<(u64, ClientCommand), Unreadable> {
    let without_id = |field: Option<&str>| Unreadable {
        id: None,
        conversation: None,
        error: ChatError::Invalid {
            field: field.map(str::to_owned),
            message: "a frame is one JSON object with an integer id".to_owned(),
        },
    };
    let mut object = Object::parse(text).map_err(|_| without_id(None))?;
    let Integer(id) = object.require("id").map_err(|_| without_id(Some("id")))?;
    read_command(object).map(|command| (id, command)).map_err(|error| Unreadable {
        id: Some(id),
        conversation: named_conversation(text),
        error,
    })
}

/// Returns the conversation that an invalid frame names, if that member is valid.
fn named_conversation(text: &str) -> Option<ConversationId> {
    Object::parse(text).ok()?.take("conversation").ok()?.map(|Id(id)| id)
}

fn read_command(mut object: Object<'_>) -> Result<ClientCommand, ChatError> {
    use ClientCommand as C;
    use CommandName as Name;

    let name: String = object.require("cmd")?;
    let name = CommandName::from_text(&name)
        .ok_or_else(|| ChatError::invalid("cmd", "unknown command"))?;
    let command = match name {
        Name::Hello => C::Hello(object.read()?),
        Name::Send => {
            let conversation = conversation(&mut object)?;
            C::Chat(object.read::<Send>()?.into_command(conversation))
        }
        Name::Edit => {
            let conversation = conversation(&mut object)?;
            let seq: Integer = object.require("seq")?;
            C::Chat(object.read::<Edit>()?.into_command(conversation, seq.into()))
        }
        Name::Redact => object.read::<Target>()?.change(|target_seq| Change::Redact { target_seq }),
        Name::React => {
            let emoji: Arc<str> = object.require("emoji")?;
            let on = object.require("on")?;
            object.read::<Target>()?.change(|target_seq| Change::React { target_seq, emoji, on })
        }
        Name::Receipt => {
            let conversation = conversation(&mut object)?;
            C::Chat(object.read::<Receipts>()?.into_command(conversation)?)
        }
        Name::Typing => {
            let conversation = conversation(&mut object)?;
            C::Chat(Command::Typing { conversation, on: object.require("on")? })
        }
        Name::History => {
            let conversation = conversation(&mut object)?;
            C::Chat(object.read::<Paging>()?.into_command(conversation)?)
        }
        Name::AcceptInvite => {
            let code: SentCode = object.require("code")?;
            C::Chat(object.read::<AcceptInvite>()?.into_command(code.checked()?))
        }
        Name::Watch => C::Watch(users(&mut object)?),
        Name::Unwatch => C::Unwatch(users(&mut object)?),
        Name::Away => C::Away { on: object.require("on")? },
        Name::Refresh => C::Refresh { token: object.require("token")? },
        Name::Ping => C::Ping,
    };
    object.end()?;
    Ok(command)
}

fn conversation(object: &mut Object<'_>) -> Result<ConversationId, ChatError> {
    object.require("conversation").map(|Id(id)| id)
}

fn users(object: &mut Object<'_>) -> Result<Vec<UserId>, ChatError> {
    let users: Vec<WireUserId> = object.require("users")?;
    if users.len() > WATCHED_MAX {
        return Err(ChatError::TooLarge { field: "users", max: WATCHED_MAX });
    }
    Ok(users.into_iter().map(|Id(id)| id).collect())
}

/// The message that `redact` and `react` change. Both are idempotent, so `client_id` is optional.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    conversation: WireConversationId,
    /// The `seq` of the message.
    seq: Integer,
    /// 1 to 64 characters of `A-Z a-z 0-9 _ -`, new for each command.
    #[schema(schema_with = schema::client_id_or_null, required = false)]
    client_id: Option<ClientId>,
    /// The newest `seq` that the client knew when it first sent the command.
    base_seq: Option<Integer>,
}

impl Target {
    fn change(self, change: impl FnOnce(Seq) -> Change) -> ClientCommand {
        ClientCommand::Chat(Command::Write(Write {
            conversation: self.conversation.0,
            client_id: self.client_id,
            expected_seq: None,
            base_seq: self.base_seq.map(Seq::from),
            change: change(self.seq.into()),
        }))
    }
}
