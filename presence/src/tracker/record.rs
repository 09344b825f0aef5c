//! One device at this gateway, as plain data: who holds it, what it shows, what is published.
//!
//! More presence shows at once; less shows only when it has lasted: a device that goes counts for a
//! grace, one that is away for a moment never was.

use std::time::Duration;

use chat_core::time::Timestamp;
use tokio::time::Instant;

use crate::{limits::AWAY_AFTER, model::Activity};

/// What the leases have of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// Surely nothing.
    Nothing,
    /// A write failed: anything.
    Anything,
    /// This.
    Shows(Activity),
}

/// What is to be done about a device now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    Idle,
    /// It is to be published.
    Join { activity: Activity, since: Timestamp },
    /// It has gone: its last seen is to be kept, what is published taken back.
    Leave { seen_at: Timestamp, seen_kept: bool },
}

/// A moment, by tokio's clock for deadlines and by the wall's for what is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) at: Timestamp,
}

/// One device: a login at this gateway.
#[derive(Debug)]
pub(crate) struct Record {
    holds: u32,
    away_holds: u32,
    shown: Activity,
    pub(crate) published: Published,
    /// In the queue of what is to be published.
    pub(crate) queued: bool,
    seen_kept: bool,
    /// Since when it shows what it shows.
    since: Timestamp,
    /// When the last hold ended, as far as it is surely known.
    seen_at: Timestamp,
    /// Until when it counts without a hold.
    lingers_until: Option<Instant>,
    /// When it will show away.
    away_at: Option<Instant>,
    /// When it is looked at next.
    pub(crate) look_at: Option<Instant>,
}

impl Record {
    pub(crate) const fn new(now: Now) -> Self {
        Self {
            holds: 0,
            away_holds: 0,
            shown: Activity::Online,
            published: Published::Nothing,
            queued: false,
            seen_kept: false,
            since: now.at,
            seen_at: now.at,
            lingers_until: None,
            away_at: None,
            look_at: None,
        }
    }

    /// Another socket or poll; a new one is not away.
    pub(crate) fn arrive(&mut self, now: Now) {
        self.holds += 1;
        self.seen_kept = false;
        self.show(now);
    }

    /// A socket or poll ended that was last heard of at `seen_at`; the device counts for `linger`.
    pub(crate) fn depart(&mut self, was: Activity, seen_at: Timestamp, linger: Duration, now: Now) {
        self.holds = self.holds.saturating_sub(1);
        if was == Activity::Away {
            self.away_holds = self.away_holds.saturating_sub(1);
        }
        self.seen_at = self.seen_at.max(seen_at.min(now.at));
        self.lingers_until = self.lingers_until.max(Some(now.instant + linger));
        if self.holds > 0 {
            self.show(now);
        }
    }

    /// A socket went away, or came back.
    pub(crate) fn turn(&mut self, to: Activity, now: Now) {
        match to {
            Activity::Away => self.away_holds += 1,
            Activity::Online => self.away_holds = self.away_holds.saturating_sub(1),
        }
        self.show(now);
    }

    fn show(&mut self, now: Now) {
        let away = self.away_holds >= self.holds;
        match (self.shown, away) {
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

    /// What it shows, while it is here.
    pub(crate) fn here(&self, now: Instant) -> Option<(Activity, Timestamp)> {
        let here = self.holds > 0 || self.lingers_until.is_some_and(|until| now < until);
        here.then_some((self.shown, self.since))
    }

    /// When it was surely here, if it is.
    pub(crate) fn seen(&self, now: Now) -> Option<Timestamp> {
        let at = if self.holds > 0 { now.at } else { self.seen_at };
        self.here(now.instant).map(|_| at)
    }

    /// What is to be done now; what has become due is shown.
    pub(crate) fn step(&mut self, now: Now) -> Step {
        if self.away_at.is_some_and(|at| at <= now.instant) {
            self.away_at = None;
            self.shown = Activity::Away;
            self.since = now.at;
        }
        match (self.here(now.instant), self.published) {
            (Some((activity, _)), Published::Shows(shown)) if shown == activity => Step::Idle,
            (Some((activity, since)), _) => Step::Join { activity, since },
            (None, _) => Step::Leave { seen_at: self.seen_at, seen_kept: self.seen_kept },
        }
    }

    /// When it has to be looked at although nothing happens.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let ends = self.lingers_until.filter(|until| self.holds == 0 && *until > now);
        [ends, self.away_at].into_iter().flatten().min()
    }

    /// Its last seen is safe in the store, or in the queue before it.
    pub(crate) const fn mark_seen_kept(&mut self) {
        self.seen_kept = true;
    }
}
