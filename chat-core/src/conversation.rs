//! One conversation on one gateway: it decides, appends, folds and feeds.
//!
//! No task and little memory while it is quiet. [`decide`] and [`state`] are pure; [`queue`] holds
//! what waits, [`appender`] is the only writer of the log on this gateway; [`feed`] is its live tail, and [`roster`] who
//! listens to it.

pub mod appender;
pub mod decide;
mod doubts;
pub mod feed;
mod pace;
mod plan;
pub mod queue;
pub mod roster;
pub mod state;

use std::sync::{Arc, Weak};

use crate::{
    command::Write,
    error::{ChatError, StoreError},
    id::{ConversationId, UserId},
    model::{Entry, Seq},
    outbox::Outbox,
    ports::Ports,
};

use appender::Outcome;
use feed::Feed;
use queue::{Queue, Submitted};

/// One conversation on one gateway.
#[derive(Debug)]
pub struct Conversation {
    me: Weak<Self>,
    id: ConversationId,
    ports: Arc<Ports>,
    queue: Queue,
    feed: Feed,
}

impl Conversation {
    /// The conversation of this id, with nothing known of it yet.
    pub(crate) fn new(id: ConversationId, ports: Arc<Ports>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            id,
            ports,
            queue: Queue::default(),
            feed: Feed::default(),
        })
    }

    /// Which one.
    pub const fn id(&self) -> ConversationId {
        self.id
    }

    /// Puts a write in the queue, after all earlier ones.
    pub(crate) fn submit(self: &Arc<Self>, actor: UserId, write: Write) -> Submitted {
        queue::submit(self, actor, write)
    }

    /// Ends a listener.
    pub(crate) fn detach(&self, outbox: &Outbox) {
        self.feed.detach(outbox);
    }

    /// Whether nobody listens and nothing is being written.
    pub(crate) fn is_quiet(&self) -> bool {
        self.feed.is_empty() && self.queue.is_quiet()
    }
}

/// Adds a listener to conversations, all at once: a client may follow hundreds. Tells of each the
/// head from which on it hears everything.
pub(crate) async fn attach(
    conversations: &[Arc<Conversation>],
    ports: &Ports,
    outbox: &Arc<Outbox>,
) -> Result<Vec<Seq>, ChatError> {
    feed::attach(conversations, ports, outbox).await
}

/// What a finished write leaves behind, for those who asked for it.
type Answer = Result<Outcome, ChatError>;

/// Reads `(after, to]`, however many pages that takes.
async fn read_all(
    ports: &Ports,
    conversation: ConversationId,
    after: Seq,
    to: Seq,
) -> Result<Vec<Entry>, StoreError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let from = entries.last().map_or(after, |entry| entry.seq);
        if from >= to {
            return Ok(entries);
        }
        let page = ports.stores.log.read(conversation, from, to, READ_PAGE).await?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}

/// Entries read at once.
const READ_PAGE: usize = 500;
