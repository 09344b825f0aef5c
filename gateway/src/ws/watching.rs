//! A socket's part in presence: its device is online while the socket lasts, and it may watch users.

use std::sync::Arc;

use chat_core::{id::UserId, model::Identity, outbox::Outbox, time::Timestamp};
use presence::{Activity, Hold, Presence, PresenceListener, Tracker, Watcher};

use crate::protocol::{presence_event, users::PresenceJson};

/// A socket's part in presence. The device goes offline when it is dropped.
#[derive(Debug)]
pub(super) struct Watching {
    tracker: Tracker,
    user: UserId,
    outbox: Arc<Outbox>,
    hold: Hold,
    /// Created at the first `watch`, because most sockets never send one.
    watcher: Option<Arc<Watcher>>,
}

/// Sends changes of presence to a session.
#[derive(Debug)]
struct PresenceEvents(Arc<Outbox>);

impl PresenceListener for PresenceEvents {
    fn presence_changed(&self, presence: &Presence) {
        self.0.offer_ephemeral(&presence_event(PresenceJson::from(*presence)));
    }
}

impl Watching {
    /// Brings the socket's device online.
    pub(super) fn begin(tracker: &Tracker, identity: Identity, outbox: &Arc<Outbox>) -> Self {
        Self {
            tracker: tracker.clone(),
            user: identity.user,
            outbox: outbox.clone(),
            hold: tracker.hold_for_socket(identity),
            watcher: None,
        }
    }

    /// Marks the device as away, or as online again.
    pub(super) fn set_away(&self, on: bool) {
        self.hold.set_activity(if on { Activity::Away } else { Activity::Online });
    }

    /// Takes a broken socket's device offline at once, as last seen at `heard_at`.
    pub(super) fn cut(self, heard_at: Timestamp) {
        self.hold.close_dead(heard_at);
    }

    /// Returns the socket's watcher, which sends it the changes of the users that it watches.
    pub(super) fn watcher(&mut self) -> Arc<Watcher> {
        let watcher = self.watcher.get_or_insert_with(|| {
            let events = PresenceEvents(self.outbox.clone());
            Arc::new(self.tracker.watcher(self.user, Arc::new(events)))
        });
        watcher.clone()
    }

    /// Stops watching these users.
    pub(super) fn unwatch(&self, users: &[UserId]) {
        if let Some(watcher) = &self.watcher {
            watcher.unwatch(users);
        }
    }
}
