//! The deadlines of a socket.
//!
//! Plain data: the socket reports what happens, and asks what is due and when to check again.

use std::time::Duration;

use tokio::time::Instant;

use super::wire::End;
use crate::app::HEARTBEAT;

/// How long a client may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// How long a message may stay unfinished.
const MESSAGE_WITHIN: Duration = Duration::from_secs(10);

/// The deadlines of a socket.
#[derive(Debug)]
pub(super) struct Deadlines {
    /// When the access token expires.
    pub(super) expires_at: Instant,
    heard_at: Instant,
    pinged_at: Instant,
    /// When the unfinished message began.
    unfinished_since: Option<Instant>,
    /// When the socket is woken next.
    wakes_at: Instant,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    End(End),
}

impl Deadlines {
    pub(super) const fn new(expires_at: Instant, now: Instant) -> Self {
        Self { expires_at, heard_at: now, pinged_at: now, unfinished_since: None, wakes_at: now }
    }

    /// Records that something was read from the client.
    pub(super) const fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// Returns how long the client has been silent.
    pub(super) fn silent_for(&self, now: Instant) -> Duration {
        now.duration_since(self.heard_at)
    }

    /// Records that a message is complete.
    pub(super) const fn message_completed(&mut self) {
        self.unfinished_since = None;
    }

    /// Records whether a message is unfinished.
    pub(super) fn set_unfinished(&mut self, is_unfinished: bool, now: Instant) {
        self.unfinished_since = is_unfinished.then(|| self.unfinished_since.unwrap_or(now));
    }

    /// Returns what is due: a close for an expired token, a silent client or an unfinished message, or
    /// a ping.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if now >= self.expires_at {
            return Due::End(Some((4001, "the access token has expired")));
        }
        if now >= self.heard_at + SILENCE_MAX {
            return Due::End(Some((4009, "heartbeat missed")));
        }
        if self.message_until().is_some_and(|until| now >= until) {
            return Due::End(Some((1008, "a message was not finished in time")));
        }
        if now < self.pinged_at + HEARTBEAT {
            return Due::Nothing;
        }
        self.pinged_at = now;
        Due::Ping
    }

    fn message_until(&self) -> Option<Instant> {
        self.unfinished_since.map(|since| since + MESSAGE_WITHIN)
    }

    /// Returns how long to wait before the next check, or `None` if an earlier check is scheduled
    /// already. So one wake-up is pending, however often the deadlines change.
    pub(super) fn wake_after(&mut self, now: Instant) -> Option<Duration> {
        let always = [self.expires_at, self.pinged_at + HEARTBEAT, self.heard_at + SILENCE_MAX];
        let earliest = always.into_iter().chain(self.message_until()).min().unwrap_or(now);
        if now < self.wakes_at && self.wakes_at <= earliest {
            return None;
        }
        self.wakes_at = earliest;
        Some(earliest.duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> (Deadlines, impl Fn(u64) -> Instant) {
        let begun = Instant::now();
        let at = move |seconds: u64| begun + Duration::from_secs(seconds);
        (Deadlines::new(at(seconds), begun), at)
    }

    #[test]
    fn each_deadline_is_due_and_scheduled() {
        let (mut deadlines, at) = at(600);
        assert_eq!(deadlines.wake_after(at(0)), Some(HEARTBEAT));
        assert_eq!((deadlines.due(at(24)), deadlines.due(at(25))), (Due::Nothing, Due::Ping));
        assert_eq!(deadlines.wake_after(at(25)), Some(Duration::from_secs(20)));
        assert_eq!(deadlines.due(at(45)), Due::End(Some((4009, "heartbeat missed"))));
        deadlines.heard(at(44));
        assert_eq!(deadlines.due(at(45)), Due::Nothing);
        assert_eq!(deadlines.wake_after(at(45)), Some(Duration::from_secs(5)));
        deadlines.heard(at(600));
        assert!(matches!(deadlines.due(at(600)), Due::End(Some((4001, _)))));
    }

    #[test]
    fn unfinished_message_has_its_own_deadline() {
        let (mut deadlines, at) = at(600);
        assert_eq!(deadlines.wake_after(at(0)), Some(HEARTBEAT));
        deadlines.set_unfinished(true, at(2));
        assert_eq!(deadlines.wake_after(at(2)), Some(Duration::from_secs(10)));
        deadlines.set_unfinished(true, at(4));
        deadlines.message_completed();
        deadlines.set_unfinished(true, at(5));
        assert_eq!(deadlines.wake_after(at(5)), None, "woken at 12 anyway");
        assert_eq!(deadlines.due(at(12)), Due::Nothing);
        assert_eq!(deadlines.wake_after(at(12)), Some(Duration::from_secs(3)));
        assert!(matches!(deadlines.due(at(15)), Due::End(Some((1008, _)))));
    }
}
