//! A socket's part in presence: its device is here while it lasts, and it may watch others.

use std::sync::Arc;

use chat_core::{
    error::ChatError, id::UserId, limits::WATCHED_MAX, model::Identity, outbox::Outbox,
};
use presence::{Activity, Audience, Hold, Presence, TooManyWatched, Tracker, Watcher};

use super::lanes::{Job, Work};
use crate::protocol::{
    answer::{PresenceJson, Watched},
    presence_event, reply_error, reply_ok,
};

/// A socket's part in presence. The device leaves when it is dropped.
#[derive(Debug)]
pub struct Watching {
    tracker: Tracker,
    user: UserId,
    outbox: Arc<Outbox>,
    hold: Hold,
    /// Made at the first `watch`: most sockets never ask.
    watcher: Option<Arc<Watcher>>,
}

/// A session as an audience.
#[derive(Debug)]
struct Shown(Arc<Outbox>);

impl Audience for Shown {
    fn show(&self, presence: &Presence) {
        self.0.offer_moment(&presence_event(PresenceJson::from(*presence)));
    }
}

impl Watching {
    /// The socket's device is here.
    pub fn begin(tracker: &Tracker, identity: Identity, outbox: &Arc<Outbox>) -> Self {
        Self {
            tracker: tracker.clone(),
            user: identity.user,
            outbox: outbox.clone(),
            hold: tracker.arrive(identity),
            watcher: None,
        }
    }

    /// The device is away, or back.
    pub fn away(&self, on: bool) {
        self.hold.turn(if on { Activity::Away } else { Activity::Online });
    }

    /// The socket broke: nobody has been here since it was last heard.
    pub fn cut(self, heard_at: chat_core::time::Timestamp) {
        self.hold.cut(heard_at);
    }

    /// Shows these users now, and whenever they change.
    pub fn watch(&mut self, id: u64, users: Vec<UserId>) -> Job {
        let watcher = self.watcher.get_or_insert_with(|| {
            Arc::new(self.tracker.watcher(self.user, Arc::new(Shown(self.outbox.clone()))))
        });
        let watcher = watcher.clone();
        let begin = Box::new(move || -> Work {
            Box::pin(async move { shown(id, watcher.watch(&users).await) })
        });
        Job { begin, is_write: false }
    }

    /// Shows these users no more.
    pub fn unwatch(&self, users: &[UserId]) {
        if let Some(watcher) = &self.watcher {
            watcher.unwatch(users);
        }
    }
}

/// The reply to `watch`.
fn shown(id: u64, watched: Result<Vec<Presence>, TooManyWatched>) -> String {
    match watched {
        Ok(presence) => {
            let presence = presence.into_iter().map(PresenceJson::from).collect();
            reply_ok(id, &Watched { presence })
        }
        Err(TooManyWatched) => {
            reply_error(Some(id), &ChatError::TooLarge { field: "users", max: WATCHED_MAX })
        }
    }
}
