//! The state machine of one watched user. Pure.
//!
//! A user goes from `New` to `Unread` (its changes are subscribed to), `Reading` and `Current`. A
//! change makes it `Stale`, and it is read again. `Deferred` users are read again after a pause.
//! When the last session leaves, the user is `Abandoned` until its subscription is cancelled.
//!
//! A user is read only while its changes are subscribed to: what changes after the read is then
//! known to arrive.

use std::collections::BTreeMap;

use chat_core::id::UserId;

use super::watchers::SessionKey;
use crate::model::{Presence, Status};

/// Where a watched user is. States that need work come first, in the order in which it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// No session watches it any more; its subscription must be cancelled.
    Abandoned,
    /// A session waits for it; its changes are not subscribed to yet.
    New,
    /// A session waits for it; it must be read for the first time.
    Unread,
    /// It may have changed and must be read again.
    Stale,
    /// It changed while changes were held back from a session; it must be read again later.
    Deferred,
    /// A read is in progress.
    Reading,
    /// Nothing to do.
    Current,
}

impl State {
    /// A session begins to watch the user. An abandoned user is read again, because its changes were
    /// ignored in the meantime.
    pub(super) fn watched(self) -> Self {
        if self == Self::Abandoned { Self::Unread } else { self }
    }

    /// The last session stops watching the user. Returns `None` if there is no subscription.
    pub(super) fn abandoned(self) -> Option<Self> {
        (self != Self::New).then_some(Self::Abandoned)
    }

    /// The subscription is being made or cancelled. Returns `None` if the user can be forgotten.
    pub(super) fn subscription_changed(self) -> Option<Self> {
        (self != Self::Abandoned).then_some(if self == Self::New { Self::Unread } else { self })
    }

    /// The user may have changed.
    pub(super) fn touched(self) -> Self {
        if self >= Self::Deferred { Self::Stale } else { self }
    }

    /// A read begins.
    pub(super) fn read_begun(self) -> Self {
        if matches!(self, Self::Unread | Self::Stale) { Self::Reading } else { self }
    }

    /// Returns true if the result of a read that ends now counts. It does not if the user was
    /// abandoned meanwhile, because changes during the read may have been ignored.
    pub(super) fn accepts_result(self) -> bool {
        matches!(self, Self::Reading | Self::Stale)
    }

    /// A read ended. A session for which the change is held back must learn of it later. A user
    /// that was touched during the read stays stale.
    pub(super) fn read_ended(self, is_held_back: bool) -> Self {
        match self {
            Self::Reading if is_held_back => Self::Deferred,
            Self::Reading => Self::Current,
            state @ (Self::Abandoned
            | Self::New
            | Self::Unread
            | Self::Stale
            | Self::Deferred
            | Self::Current) => state,
        }
    }

    /// Returns true if there is work to do in this state.
    pub(super) fn needs_work(self) -> bool {
        self < Self::Reading
    }
}

/// One watched user.
#[derive(Debug)]
pub(super) struct WatchedUser {
    pub(super) state: State,
    /// The result of the last read, if there was one since sessions began to watch.
    pub(super) presence: Option<Presence>,
    /// The status that each watching session was sent last; `None` before its first answer.
    pub(super) sent: BTreeMap<SessionKey, Option<Status>>,
}

impl WatchedUser {
    pub(super) const fn new() -> Self {
        Self { state: State::New, presence: None, sent: BTreeMap::new() }
    }

    /// Returns true if a read found out that nothing is known about the user.
    pub(super) fn is_unknown(&self) -> bool {
        self.presence.is_some_and(|presence| presence.status == Status::Unknown)
    }

    /// Returns the presence as this session may see it.
    pub(super) fn presence_for(&self, user: UserId, may_see: bool) -> Presence {
        self.presence.filter(|_| may_see).unwrap_or(Presence::unknown(user))
    }
}

#[cfg(test)]
mod tests {
    use super::{State::*, *};

    const ALL: [State; 7] = [Abandoned, New, Unread, Stale, Deferred, Reading, Current];

    #[test]
    fn user_is_subscribed_to_then_read_then_current() {
        let subscribed = New.subscription_changed().unwrap();
        assert_eq!(subscribed, Unread);
        assert_eq!(subscribed.read_begun(), Reading);
        assert_eq!(Reading.read_ended(false), Current);
        assert_eq!(Reading.read_ended(true), Deferred);
    }

    #[test]
    fn change_during_a_read_leads_to_another_read() {
        let touched = Reading.touched();
        assert!(touched.accepts_result(), "the result is newer than what was known");
        assert_eq!(touched.read_ended(false), Stale);
        assert_eq!(touched.read_ended(true), Stale);
    }

    #[test]
    fn touched_user_becomes_stale_after_its_first_read_began() {
        assert_eq!(ALL.map(State::touched), [Abandoned, New, Unread, Stale, Stale, Stale, Stale]);
    }

    #[test]
    fn abandoned_user_is_forgotten_after_its_subscription() {
        assert_eq!(New.abandoned(), None, "it was never subscribed to");
        for state in [Unread, Stale, Deferred, Reading, Current] {
            assert_eq!(state.abandoned(), Some(Abandoned));
        }
        assert_eq!(Abandoned.subscription_changed(), None);
    }

    #[test]
    fn user_watched_again_during_a_read_is_read_again() {
        let again = Reading.abandoned().unwrap().watched();
        assert_eq!(again, Unread);
        assert!(!again.accepts_result(), "changes were ignored in the meantime");
    }

    #[test]
    fn only_unread_and_stale_users_are_read() {
        let read: Vec<_> = ALL.into_iter().filter(|s| s.read_begun() != *s).collect();
        assert_eq!(read, [Unread, Stale]);
    }
}
