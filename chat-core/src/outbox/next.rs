//! What an outbox has for its session.

use bytes::Bytes;

use super::FollowUp;
use crate::{id::ConversationId, model::Seq};

/// Why the server ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The login was ended.
    LoggedOut,
    /// The gateway drains.
    Draining,
    /// A newer poll of the same login replaced this one.
    Replaced,
}

/// What an outbox has for its session.
#[derive(Debug)]
pub(crate) enum Next {
    /// Frames to deliver, and what to do afterwards.
    Frames(Vec<Bytes>, Vec<(ConversationId, Seq, FollowUp)>),
    /// A conversation is behind: read it from the store.
    Behind(Lag),
    /// The user may have been added to this conversation, or removed from it.
    Recheck(ConversationId),
    /// The client needs this conversation object again.
    Show(ConversationId),
    /// The session ends.
    Ended(Ending),
}

/// How far a session lags behind in one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lag {
    /// The conversation.
    pub(crate) conversation: ConversationId,
    /// The last seq delivered.
    pub(crate) after: Seq,
    /// The newest seq known.
    pub(crate) head: Seq,
    /// True if the client needs the conversation object first.
    pub(crate) is_new: bool,
}
