//! Reads people's presence: leases first, the store for the absent, and what this gateway knows.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use chat_core::{
    id::{GatewayId, UserId},
    time::{Clock, Timestamp},
};
use tokio::time::{Instant, timeout};

use super::devices::Devices;
use crate::{
    evaluate::evaluate,
    limits::{ANSWER_WITHIN, READ_MAX, RETRY_AFTER},
    model::{Lease, Presence, Reading, Status},
    port::{LastSeen, Leases},
};

/// Reads people's presence.
pub(super) struct Reader {
    pub(super) leases: Arc<dyn Leases>,
    pub(super) last_seen: Arc<dyn LastSeen>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) devices: Arc<Mutex<Devices>>,
    /// Leases and store that did not answer are left alone until then.
    pub(super) leases_rest: Rest,
    pub(super) store_rest: Rest,
}

/// A moment of rest for what did not answer, so that not everybody waits for it in turn.
#[derive(Debug, Default)]
pub(super) struct Rest(Mutex<Option<Instant>>);

impl Rest {
    /// The answer within [`ANSWER_WITHIN`]; `None` at once during a rest.
    pub(super) async fn ask<T>(&self, question: impl Future<Output = T>) -> Option<T> {
        if self.until().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let answer = timeout(ANSWER_WITHIN, question).await.ok();
        if answer.is_none() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Instant::now() + RETRY_AFTER);
        }
        answer
    }

    fn until(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a read gave, and the ended gateways that it met.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) presences: Vec<Presence>,
    pub(super) ended: Vec<GatewayId>,
}

impl Reader {
    /// The presence of these users, in this order.
    pub(super) async fn read(&self, users: &[UserId]) -> Seen {
        let mut seen = Seen::default();
        for users in users.chunks(READ_MAX) {
            let readings = self.readings(users).await;
            seen.ended.extend(ended(&readings));
            seen.presences.extend(self.evaluate(users, &readings).await);
        }
        seen.ended.sort_unstable();
        seen.ended.dedup();
        seen
    }

    /// What the leases say, and the devices here, which may not be published yet.
    async fn readings(&self, users: &[UserId]) -> Vec<Option<Reading>> {
        let answer = self.leases_rest.ask(self.leases.of_users(users)).await;
        let mut readings = answer.unwrap_or_default();
        readings.resize_with(users.len(), || None);
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        for (user, reading) in users.iter().zip(&mut readings) {
            if let Some(reading) = reading {
                reading.devices.extend(devices.of_user(*user, now));
            }
        }
        readings
    }

    async fn evaluate(&self, users: &[UserId], readings: &[Option<Reading>]) -> Vec<Presence> {
        let now = self.clock.now();
        let judge = |index: usize, kept: Option<Timestamp>| {
            evaluate(users[index], readings[index].as_ref(), kept, now)
        };
        let mut presences: Vec<_> = (0..users.len()).map(|index| judge(index, None)).collect();
        let is_absent = |index: &usize| presences[*index].status == Status::Offline;
        let absent: Vec<usize> = (0..users.len()).filter(is_absent).collect();
        let kept = self.kept(&absent.iter().map(|index| users[*index]).collect::<Vec<_>>()).await;
        for (place, index) in absent.into_iter().enumerate() {
            match &kept {
                Some(kept) => presences[index] = judge(index, kept.get(place).copied().flatten()),
                // What ended leases show may be older than what the store keeps.
                None => presences[index].last_seen_at = None,
            }
        }
        presences
    }

    /// What the store keeps of these users; `None` while it does not answer.
    async fn kept(&self, users: &[UserId]) -> Option<Vec<Option<Timestamp>>> {
        if users.is_empty() {
            return Some(Vec::new());
        }
        match self.store_rest.ask(self.last_seen.of_users(users)).await? {
            Ok(kept) => Some(kept),
            Err(error) => {
                tracing::debug!(%error, "last seen not known");
                None
            }
        }
    }
}

fn ended(readings: &[Option<Reading>]) -> impl Iterator<Item = GatewayId> {
    let whole = readings.iter().flatten().filter(|reading| reading.whole);
    let devices = whole.flat_map(|reading| &reading.devices);
    devices.filter(|device| device.lease != Lease::Lives).map(|device| device.gateway)
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("leases", &self.leases).finish_non_exhaustive()
    }
}
