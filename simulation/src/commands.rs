//! Commands of people, and what the history keeps of them.

use chat_core::{
    command::{Change, Command, Page, Reply, Write},
    error::ChatError,
    id::ConversationId,
    model::{ClientId, Identity, Seq},
    view::EntryView,
};
use checker::{Key, Read, SendOutcome};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    record::{refusal, seen},
    site::Running,
    world::World,
};

/// The answer to a command, or `None` if the gateway was killed meanwhile.
pub(crate) type Answer = Option<Result<Reply, ChatError>>;

/// Begins a command at once. The future ends with the gateway.
pub(crate) fn begin(
    gateway: &Running,
    identity: Identity,
    command: Command,
) -> BoxFuture<'static, Answer> {
    let reply = gateway.chat.begin(identity, command);
    let killed = gateway.killed.clone();
    async move {
        tokio::select! {
            biased;
            () = killed.cancelled_owned() => None,
            reply = reply => Some(reply),
        }
    }
    .boxed()
}

/// Returns a write without a client id.
pub(crate) const fn write(conversation: ConversationId, change: Change) -> Write {
    Write { conversation, client_id: None, expected_seq: None, base_seq: None, change }
}

/// A text to send, once or several times.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) identity: Identity,
    pub(crate) conversation: ConversationId,
    /// The client id, and the text.
    pub(crate) text: String,
    pub(crate) is_anonymous: bool,
    /// The newest seq that the sender knew.
    pub(crate) base_seq: Option<Seq>,
}

impl Line {
    fn key(&self) -> Key {
        Key {
            conversation: self.conversation.to_string(),
            sender: self.identity.user.to_string(),
            client_id: self.text.clone(),
        }
    }

    fn command(&self) -> Command {
        let text = self.text.as_str();
        let client_id = if self.is_anonymous { None } else { ClientId::new(&self.text).ok() };
        let change = Change::plain(text, None);
        Command::Write(Write {
            client_id,
            base_seq: self.base_seq,
            ..write(self.conversation, change)
        })
    }
}

/// Begins one attempt to send a line over a connection of this name.
pub(crate) fn attempt<'a>(
    world: &'a World,
    gateway: &Running,
    connection: String,
    line: &Line,
) -> BoxFuture<'a, (SendOutcome, Option<ChatError>)> {
    world.record.may_open(line.identity.user, line.conversation);
    let number = world.record.begin_attempt(connection, &line.key(), &line.text);
    let answer = begin(gateway, line.identity, line.command());
    async move {
        let (outcome, error) = match answer.await {
            Some(Ok(Reply::Written(written))) => {
                let (entry, replayed) = (written.entry.entry, written.replayed);
                let (seq, id) = (entry.seq.get(), entry.id.get());
                (SendOutcome::Acknowledged { seq, id, replayed }, None)
            }
            Some(Err(error)) => (refusal(&error), Some(error)),
            Some(Ok(_)) | None => (SendOutcome::Unknown, None),
        };
        world.record.answer_attempt(number, outcome);
        (outcome, error)
    }
    .boxed()
}

/// Reads a page of history, and returns its entries.
pub(crate) async fn read_page(
    world: &World,
    gateway: &Running,
    identity: Identity,
    conversation: ConversationId,
    page: Page,
) -> Option<Vec<EntryView>> {
    let called = world.record.tick();
    let command = Command::History { conversation, page, limit: 100 };
    let answer = begin(gateway, identity, command).await?;
    let Ok(Reply::History { items, head_seq }) = answer else { return None };
    let entries: Vec<_> = items.iter().map(seen).collect();
    let after = entries.first().map_or(head_seq.get(), |first| first.seq - 1);
    let (reader, conversation) = (identity.user.to_string(), conversation.to_string());
    let head = head_seq.get();
    world.record.read(Read { reader, conversation, called, after, entries, head });
    Some(items)
}
