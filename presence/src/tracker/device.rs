//! One device at this gateway, as plain data: what holds it, what it shows and what is published.
//!
//! More presence shows at once. Less presence shows only after a delay, so short absences are never
//! seen: a device that leaves counts for a grace period, and one that turns away counts as online
//! for a moment.

use std::time::Duration;

use chat_core::time::Timestamp;
use tokio::time::Instant;

use crate::{limits::AWAY_AFTER, model::Activity};

/// What this gateway has published about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    Nothing,
    /// A write failed, or what was written may be lost.
    Unknown,
    Activity(Activity),
}

/// What must be done about a device now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    None,
    Join {
        activity: Activity,
        since: Timestamp,
    },
    /// Store last seen unless that was done, then take back what is published.
    Leave {
        seen_at: Timestamp,
        is_seen_stored: bool,
    },
}

/// A moment by tokio's clock, for deadlines, and by the wall clock, for what is published.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) instant: Instant,
    pub(crate) at: Timestamp,
}

/// A login at this gateway.
#[derive(Debug)]
pub(crate) struct DeviceState {
    /// Sockets and polls.
    holds: u32,
    away_holds: u32,
    shown: Activity,
    pub(crate) published: Published,
    /// It is in the queue of devices that need an action.
    pub(crate) is_queued: bool,
    /// Its last seen is in the store or in the queue in front of it.
    pub(crate) is_seen_stored: bool,
    /// Since when it shows `shown`.
    since: Timestamp,
    /// The latest time at which it was certainly present, once it has no holds.
    seen_at: Timestamp,
    /// Until when it counts as present without a hold.
    lingers_until: Option<Instant>,
    /// When it will show away.
    away_at: Option<Instant>,
    /// When it is checked next, even if nothing happens.
    pub(crate) check_at: Option<Instant>,
}

impl DeviceState {
    pub(crate) const fn new(now: Moment) -> Self {
        Self {
            holds: 0,
            away_holds: 0,
            shown: Activity::Online,
            published: Published::Nothing,
            is_queued: false,
            is_seen_stored: false,
            since: now.at,
            seen_at: now.at,
            lingers_until: None,
            away_at: None,
            check_at: None,
        }
    }

    /// Adds a socket or poll, which is online.
    pub(crate) fn add_hold(&mut self, now: Moment) {
        self.holds += 1;
        self.is_seen_stored = false;
        self.update_shown(now);
    }

    /// Removes a socket or poll that was last heard of at `seen_at`. The device counts for `linger`
    /// longer.
    pub(crate) fn remove_hold(
        &mut self,
        activity: Activity,
        seen_at: Timestamp,
        linger: Duration,
        now: Moment,
    ) {
        self.holds = self.holds.saturating_sub(1);
        if activity == Activity::Away {
            self.away_holds = self.away_holds.saturating_sub(1);
        }
        self.seen_at = self.seen_at.max(seen_at.min(now.at));
        self.lingers_until = self.lingers_until.max(Some(now.instant + linger));
        if self.holds > 0 {
            self.update_shown(now);
        }
    }

    /// Changes the activity of one socket.
    pub(crate) fn set_activity(&mut self, activity: Activity, now: Moment) {
        match activity {
            Activity::Away => self.away_holds += 1,
            Activity::Online => self.away_holds = self.away_holds.saturating_sub(1),
        }
        self.update_shown(now);
    }

    fn update_shown(&mut self, now: Moment) {
        let is_away = self.away_holds >= self.holds;
        match (self.shown, is_away) {
            (Activity::Online, true) => {
                self.away_at = self.away_at.or(Some(now.instant + AWAY_AFTER));
            }
            (Activity::Away, false) => {
                self.shown = Activity::Online;
                self.since = now.at;
            }
            (Activity::Online, false) => self.away_at = None,
            (Activity::Away, true) => {}
        }
    }

    /// Returns what it shows and since when, or `None` if it is not present.
    pub(crate) fn shown(&self, now: Instant) -> Option<(Activity, Timestamp)> {
        let is_present = self.holds > 0 || self.lingers_until.is_some_and(|until| now < until);
        is_present.then_some((self.shown, self.since))
    }

    /// Returns the latest time at which it was certainly present, or `None` if it is not present.
    pub(crate) fn last_seen(&self, now: Moment) -> Option<Timestamp> {
        let at = if self.holds > 0 { now.at } else { self.seen_at };
        self.shown(now.instant).map(|_| at)
    }

    /// Applies what has become due and returns what must be done now.
    pub(crate) fn next_action(&mut self, now: Moment) -> Action {
        if self.away_at.is_some_and(|at| at <= now.instant) {
            self.away_at = None;
            self.shown = Activity::Away;
            self.since = now.at;
        }
        match (self.shown(now.instant), self.published) {
            (Some((activity, _)), Published::Activity(published)) if published == activity => {
                Action::None
            }
            (Some((activity, since)), _) => Action::Join { activity, since },
            (None, _) => {
                Action::Leave { seen_at: self.seen_at, is_seen_stored: self.is_seen_stored }
            }
        }
    }

    /// Returns when it must be checked even if nothing happens.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let ends = self.lingers_until.filter(|until| self.holds == 0 && *until > now);
        [ends, self.away_at].into_iter().flatten().min()
    }
}
