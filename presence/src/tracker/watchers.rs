//! Which sessions watch which users, and what each session was sent. Plain data.

use std::{
    collections::{BTreeSet, HashMap},
    ops::RangeInclusive,
    sync::Arc,
};

use chat_core::{id::UserId, limits::WATCHED_MAX};
use tokio::time::Instant;

use super::watched::{State, WatchedUser};
use crate::{
    limits::{READ_MAX, WATCH_LEAD},
    model::Presence,
    port::PresenceListener,
};

pub(super) type SessionKey = u64;

/// A session cannot watch more users than [`WATCHED_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session watches at most {WATCHED_MAX} users")]
pub struct TooManyWatched;

#[derive(Debug)]
struct Session {
    user: UserId,
    listener: Arc<dyn PresenceListener>,
    watches: BTreeSet<UserId>,
    /// Changes are held back until then, so that they are sent after an answer.
    quiet_until: Instant,
}

/// A change to be sent to a session, if its user may see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Update {
    session: SessionKey,
    pub(super) watcher: UserId,
    pub(super) presence: Presence,
}

/// Users whose subscriptions must be made or cancelled.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SubscriptionChanges {
    pub(super) begin: Vec<UserId>,
    pub(super) end: Vec<UserId>,
}

/// The watching sessions and the users they watch.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    last_key: SessionKey,
    sessions: HashMap<SessionKey, Session>,
    users: HashMap<UserId, WatchedUser>,
    /// Users whose state needs work, in the order in which it is done.
    pending: BTreeSet<(State, UserId)>,
}

impl Watchers {
    pub(super) fn open(&mut self, user: UserId, listener: Arc<dyn PresenceListener>) -> SessionKey {
        self.last_key += 1;
        let quiet_until = Instant::now();
        let session = Session { user, listener, watches: BTreeSet::new(), quiet_until };
        self.sessions.insert(self.last_key, session);
        self.last_key
    }

    pub(super) fn close(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.remove(&key) {
            session.watches.into_iter().for_each(|user| self.leave(key, user));
        }
    }

    /// Adds all of these users, or none if they would be too many.
    pub(super) fn watch(
        &mut self,
        key: SessionKey,
        users: &[UserId],
    ) -> Result<(), TooManyWatched> {
        let Some(session) = self.sessions.get_mut(&key) else { return Ok(()) };
        let new: BTreeSet<_> =
            users.iter().copied().filter(|user| !session.watches.contains(user)).collect();
        if session.watches.len() + new.len() > WATCHED_MAX {
            return Err(TooManyWatched);
        }
        session.watches.extend(&new);
        for user in new {
            let watched = self.users.entry(user).or_insert_with(WatchedUser::new);
            watched.sent.insert(key, None);
            // A new user is in no queue yet.
            if watched.state == State::New {
                self.pending.insert((State::New, user));
            }
            self.transition(user, |state| Some(state.watched()));
        }
        Ok(())
    }

    pub(super) fn unwatch(&mut self, key: SessionKey, users: &[UserId]) {
        for user in users {
            if self.sessions.get_mut(&key).is_some_and(|s| s.watches.remove(user)) {
                self.leave(key, *user);
            }
        }
    }

    fn leave(&mut self, key: SessionKey, user: UserId) {
        let Some(watched) = self.users.get_mut(&user) else { return };
        watched.sent.remove(&key);
        if watched.sent.is_empty() {
            watched.presence = None;
            self.transition(user, State::abandoned);
        }
    }

    /// Moves a user to its next state, or forgets it, and keeps `pending` in step.
    fn transition(&mut self, user: UserId, next: impl FnOnce(State) -> Option<State>) {
        let Some(watched) = self.users.get_mut(&user) else { return };
        let (before, after) = (watched.state, next(watched.state));
        if Some(before) == after {
            return;
        }
        self.pending.remove(&(before, user));
        let Some(after) = after else {
            self.users.remove(&user);
            return;
        };
        watched.state = after;
        if after.needs_work() {
            self.pending.insert((after, user));
        }
    }

    /// Returns true if each of these users has been read or is not watched any more.
    pub(super) fn has_read(&self, users: &[UserId]) -> bool {
        users.iter().all(|user| {
            self.users.get(user).is_none_or(|w| w.sent.is_empty() || w.presence.is_some())
        })
    }

    /// Returns what the session is answered about these users, and notes that it was sent.
    pub(super) fn answer(
        &mut self,
        key: SessionKey,
        users: &[UserId],
        may_see: &[bool],
    ) -> Vec<Presence> {
        if let Some(session) = self.sessions.get_mut(&key) {
            session.quiet_until = Instant::now() + WATCH_LEAD;
        }
        let answer = |(user, may_see): (&UserId, &bool)| {
            let Some(watched) = self.users.get_mut(user) else { return Presence::unknown(*user) };
            let presence = watched.presence_for(*user, *may_see);
            if let Some(sent) = watched.sent.get_mut(&key) {
                *sent = Some(presence.status);
            }
            presence
        };
        users.iter().zip(may_see).map(answer).collect()
    }

    /// Schedules another read of this user.
    pub(super) fn touch(&mut self, user: UserId) {
        self.transition(user, |state| Some(state.touched()));
    }

    /// Schedules another read of every watched user.
    pub(super) fn touch_all(&mut self) {
        self.touch_each(|_| true);
    }

    /// Schedules another read of every user about whom nothing is known.
    pub(super) fn touch_unknown(&mut self) {
        self.touch_each(WatchedUser::is_unknown);
    }

    fn touch_each(&mut self, condition: impl Fn(&WatchedUser) -> bool) {
        let touched = self.users.iter().filter(|(_, watched)| condition(watched));
        for user in touched.map(|(user, _)| *user).collect::<Vec<_>>() {
            self.touch(user);
        }
    }

    /// Schedules another read of the deferred users. Returns true if there are any.
    pub(super) fn touch_deferred(&mut self) -> bool {
        let deferred = self.pending.iter().rev().take_while(|(state, _)| *state == State::Deferred);
        let users: Vec<_> = deferred.map(|(_, user)| *user).collect();
        for user in &users {
            self.touch(*user);
        }
        !users.is_empty()
    }

    /// Returns true if a session waits for a user's first read.
    pub(super) fn has_awaited(&self) -> bool {
        let first = self.pending.iter().find(|(state, _)| *state != State::Abandoned);
        first.is_some_and(|(state, _)| matches!(state, State::New | State::Unread))
    }

    /// Takes the next subscriptions to make and to cancel, up to [`READ_MAX`] together.
    pub(super) fn take_subscription_changes(&mut self) -> SubscriptionChanges {
        let mut changes = SubscriptionChanges::default();
        for (state, user) in self.first_pending(State::Abandoned..=State::New) {
            if state == State::New { &mut changes.begin } else { &mut changes.end }.push(user);
            self.transition(user, State::subscription_changed);
        }
        changes
    }

    /// Takes up to [`READ_MAX`] users to be read now, awaited ones first.
    pub(super) fn take_read_batch(&mut self) -> Vec<UserId> {
        let batch = self.first_pending(State::Unread..=State::Stale);
        let users: Vec<_> = batch.into_iter().map(|(_, user)| user).collect();
        for user in &users {
            self.transition(*user, |state| Some(state.read_begun()));
        }
        users
    }

    fn first_pending(&self, states: RangeInclusive<State>) -> Vec<(State, UserId)> {
        let earlier = |(state, _): &&(State, UserId)| state < states.start();
        let wanted = |(state, _): &&(State, UserId)| state <= states.end();
        self.pending.iter().skip_while(earlier).take_while(wanted).take(READ_MAX).copied().collect()
    }

    /// Notes the results of a read and returns the updates that follow from them.
    pub(super) fn note_read(&mut self, presences: &[Presence], now: Instant) -> Vec<Update> {
        let mut updates = Vec::new();
        for presence in presences {
            let Some(watched) = self.users.get_mut(&presence.user) else { continue };
            if !watched.state.accepts_result() {
                continue;
            }
            watched.presence = Some(*presence);
            let changed = watched
                .sent
                .iter()
                .filter(|(_, sent)| sent.is_some_and(|sent| sent != presence.status))
                .filter_map(|(key, _)| Some((*key, self.sessions.get(key)?)));
            let (held_back, due): (Vec<_>, Vec<_>) =
                changed.partition(|(_, session)| session.quiet_until > now);
            let is_held_back = !held_back.is_empty();
            updates.extend(due.into_iter().map(|(session, state)| Update {
                session,
                watcher: state.user,
                presence: *presence,
            }));
            self.transition(presence.user, |state| Some(state.read_ended(is_held_back)));
        }
        updates
    }

    /// Notes that the update is sent. Returns what to send and to whom, or `None` if the session
    /// stopped watching or was sent the same status before.
    pub(super) fn note_sent(
        &mut self,
        update: &Update,
        may_see: bool,
    ) -> Option<(Arc<dyn PresenceListener>, Presence)> {
        let user = update.presence.user;
        let presence = if may_see { update.presence } else { Presence::unknown(user) };
        let sent = self.users.get_mut(&user)?.sent.get_mut(&update.session)?;
        let session = self.sessions.get(&update.session)?;
        if sent.is_none_or(|sent| sent == presence.status) {
            return None;
        }
        *sent = Some(presence.status);
        Some((Arc::clone(&session.listener), presence))
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.users.is_empty() && self.pending.is_empty()
    }
}
