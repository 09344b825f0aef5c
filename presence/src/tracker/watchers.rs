//! Who watches whom, what is known of the watched, and what each session was told. Plain data.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use chat_core::{id::UserId, limits::WATCHED_MAX};
use tokio::time::Instant;

use crate::{
    limits::{READ_MAX, WATCH_LEAD},
    model::{Presence, Status},
    port::Audience,
};

pub(super) type SessionKey = u64;

/// A session cannot watch more users than [`WATCHED_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session watches at most {WATCHED_MAX} users")]
pub struct TooManyWatched;

#[derive(Debug, Default)]
struct Watched {
    /// What was read last.
    now: Option<Presence>,
    /// What each session was told; nothing before its first answer.
    told: BTreeMap<SessionKey, Option<Status>>,
}

impl Watched {
    /// The sessions that were told something else.
    fn changed_for(&self, status: Status) -> impl Iterator<Item = SessionKey> {
        let told = self.told.iter();
        told.filter(move |(_, told)| told.is_some_and(|told| told != status)).map(|(key, _)| *key)
    }
}

fn set(users: &mut HashSet<UserId>, user: UserId, member: bool) {
    if member {
        users.insert(user);
    } else {
        users.remove(&user);
    }
}

#[derive(Debug)]
struct Session {
    user: UserId,
    audience: Arc<dyn Audience>,
    watches: BTreeSet<UserId>,
    /// Changes wait until then, so that they come after an answer.
    quiet_until: Instant,
}

/// A change that a session is to be told, if it may see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling {
    session: SessionKey,
    pub(super) watcher: UserId,
    pub(super) presence: Presence,
}

/// Who watches whom.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    last_key: SessionKey,
    sessions: HashMap<SessionKey, Session>,
    users: HashMap<UserId, Watched>,
    /// Users somebody waits for.
    fresh: HashSet<UserId>,
    /// Users to be read again.
    stale: HashSet<UserId>,
    /// Users to be read again after a moment.
    later: HashSet<UserId>,
    unknown: HashSet<UserId>,
    /// Users whose watching may have begun or ended, and those that are watched at the leases.
    turned: HashSet<UserId>,
    subscribed: HashSet<UserId>,
}

impl Watchers {
    pub(super) fn open(&mut self, user: UserId, audience: Arc<dyn Audience>) -> SessionKey {
        self.last_key += 1;
        let quiet_until = Instant::now();
        let session = Session { user, audience, watches: BTreeSet::new(), quiet_until };
        self.sessions.insert(self.last_key, session);
        self.last_key
    }

    pub(super) fn close(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.remove(&key) {
            session.watches.into_iter().for_each(|user| self.forget(key, user));
        }
    }

    /// All of these or none.
    pub(super) fn add(&mut self, key: SessionKey, users: &[UserId]) -> Result<(), TooManyWatched> {
        let Some(session) = self.sessions.get_mut(&key) else { return Ok(()) };
        let new: BTreeSet<_> =
            users.iter().copied().filter(|user| !session.watches.contains(user)).collect();
        if session.watches.len() + new.len() > WATCHED_MAX {
            return Err(TooManyWatched);
        }
        session.watches.extend(&new);
        for user in new {
            let watched = self.users.entry(user).or_default();
            watched.told.insert(key, None);
            if watched.now.is_none() {
                self.turned.insert(user);
                self.fresh.insert(user);
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, key: SessionKey, users: &[UserId]) {
        for user in users {
            if self.sessions.get_mut(&key).is_some_and(|s| s.watches.remove(user)) {
                self.forget(key, *user);
            }
        }
    }

    fn forget(&mut self, key: SessionKey, user: UserId) {
        let Some(watched) = self.users.get_mut(&user) else { return };
        watched.told.remove(&key);
        if watched.told.is_empty() {
            self.users.remove(&user);
            self.unknown.remove(&user);
            self.turned.insert(user);
        }
    }

    /// Whether all of these have been read.
    pub(super) fn has_read(&self, users: &[UserId]) -> bool {
        users.iter().all(|user| self.users.get(user).is_none_or(|watched| watched.now.is_some()))
    }

    /// What the session is told of these users, of whom it may see some.
    pub(super) fn answer(
        &mut self,
        key: SessionKey,
        users: &[UserId],
        may: &[bool],
    ) -> Vec<Presence> {
        if let Some(session) = self.sessions.get_mut(&key) {
            session.quiet_until = Instant::now() + WATCH_LEAD;
        }
        let answer = |(user, may): (&UserId, &bool)| {
            let watched = self.users.get_mut(user);
            let now = watched.as_ref().and_then(|watched| watched.now).filter(|_| *may);
            let presence = now.unwrap_or(Presence::unknown(*user));
            if let Some(told) = watched.and_then(|watched| watched.told.get_mut(&key)) {
                *told = Some(presence.status);
            }
            presence
        };
        users.iter().zip(may).map(answer).collect()
    }

    /// This user is to be read again.
    pub(super) fn touch(&mut self, user: UserId) {
        if self.users.contains_key(&user) {
            self.stale.insert(user);
        }
    }

    /// Everybody is to be read again.
    pub(super) fn touch_all(&mut self) {
        self.stale.extend(self.users.keys());
    }

    /// Those of whom nothing is known are to be read again.
    pub(super) fn touch_unknown(&mut self) {
        self.stale.extend(&self.unknown);
    }

    /// Those who were left for later are to be read again; says whether there are any.
    pub(super) fn touch_later(&mut self) -> bool {
        let some = !self.later.is_empty();
        self.stale.extend(self.later.drain());
        some
    }

    pub(super) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Whom to begin and whom to end watching at the leases, up to [`READ_MAX`] together.
    pub(super) fn take_turned(&mut self) -> (Vec<UserId>, Vec<UserId>) {
        let turned: Vec<_> = self.turned.iter().copied().take(READ_MAX).collect();
        let (mut begin, mut end) = (Vec::new(), Vec::new());
        for user in turned {
            self.turned.remove(&user);
            if !self.users.contains_key(&user) {
                end.extend(self.subscribed.take(&user));
            } else if self.subscribed.insert(user) {
                begin.push(user);
            }
        }
        (begin, end)
    }

    /// Up to [`READ_MAX`] users to read now, those first for whom somebody waits. Only users that
    /// are watched at the leases: what changes after the reading must be told.
    pub(super) fn take_batch(&mut self) -> Vec<UserId> {
        let ready = |user: &&UserId| !self.turned.contains(*user);
        let waiting = self.fresh.iter().chain(self.stale.difference(&self.fresh));
        let batch: Vec<_> = waiting.filter(ready).copied().take(READ_MAX).collect();
        for user in &batch {
            self.fresh.remove(user);
            self.stale.remove(user);
        }
        batch
    }

    /// Takes over what was read, and names what that changes for whom.
    pub(super) fn read(&mut self, presences: &[Presence], now: Instant) -> Vec<Telling> {
        let mut tellings = Vec::new();
        for presence in presences {
            if let Some(watched) = self.users.get_mut(&presence.user) {
                watched.now = Some(*presence);
                set(&mut self.unknown, presence.user, presence.status == Status::Unknown);
                let changed = watched.changed_for(presence.status);
                let (due, quiet): (Vec<_>, Vec<_>) = changed
                    .filter_map(|key| Some((key, self.sessions.get(&key)?)))
                    .partition(|(_, session)| session.quiet_until <= now);
                self.later.extend(quiet.first().map(|_| presence.user));
                tellings.extend(due.into_iter().map(|(key, session)| Telling {
                    session: key,
                    watcher: session.user,
                    presence: *presence,
                }));
            }
        }
        tellings
    }

    /// Takes note that the session is told, and gives the audience to tell; `None` where that would
    /// be no change.
    pub(super) fn tell(
        &mut self,
        telling: &Telling,
        may: bool,
    ) -> Option<(Arc<dyn Audience>, Presence)> {
        let user = telling.presence.user;
        let shown = if may { telling.presence } else { Presence::unknown(user) };
        let told = self.users.get_mut(&user)?.told.get_mut(&telling.session)?;
        let session = self.sessions.get(&telling.session)?;
        if told.is_none_or(|told| told == shown.status) {
            return None;
        }
        *told = Some(shown.status);
        Some((Arc::clone(&session.audience), shown))
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.users.is_empty() && self.unknown.is_empty()
    }
}
