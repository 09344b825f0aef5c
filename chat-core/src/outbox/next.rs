//! What an outbox has for its session.

use bytes::Bytes;

use super::After;
use crate::{id::ConversationId, model::Seq};

/// Why a session ends from the inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The login was ended.
    LoggedOut,
    /// The gateway drains.
    Draining,
    /// Another poll of the same login took its place.
    Replaced,
}

/// What an outbox has for its session.
#[derive(Debug)]
pub enum Next {
    /// Frames to hand out, and what to do after them.
    Frames(Vec<Bytes>, Vec<(ConversationId, Seq, After)>),
    /// A conversation is behind: read it from the store.
    Behind(Lag),
    /// The user may have been added to a conversation, or removed from it.
    Added(ConversationId),
    /// A conversation is to be shown anew.
    Show(ConversationId),
    /// It is over.
    Ended(Ending),
}

/// How far a conversation lags behind the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Which.
    pub conversation: ConversationId,
    /// The last seq handed out.
    pub after: Seq,
    /// The newest seq known.
    pub head: Seq,
    /// Whether the conversation itself must be shown first.
    pub is_new: bool,
}
