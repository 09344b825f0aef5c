//! The transport of a session, as far as the outbox knows it.

use bytes::Bytes;

/// Sends events to a client at once, so that its session need not be woken for them.
pub trait Transport: Send + Sync + std::fmt::Debug {
    /// Takes this many events, or none of them. Never waits.
    fn try_send(&self, events: &Bytes, count: usize) -> Sent;
}

/// What a transport did with events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// They are sent.
    All,
    /// It has taken them, and must be woken to send the rest.
    Partly,
    /// It has taken none: the client cannot receive them now, or something else comes first.
    Nothing,
}
