//! Reads presence from the leases, the store of last seen and this gateway's own devices.

use std::sync::Arc;

use chat_core::{
    id::{GatewayId, UserId},
    time::{Clock, Timestamp},
};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::devices::Devices;
use crate::{
    evaluate::evaluate,
    limits::{ANSWER_WITHIN, READ_MAX, RETRY_AFTER},
    model::{Lease, Presence, Reading, Status},
    port::{LastSeen, Leases},
};

pub(super) struct PresenceReader {
    pub(super) leases: Arc<dyn Leases>,
    pub(super) last_seen: Arc<dyn LastSeen>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) devices: Arc<Mutex<Devices>>,
    pub(super) leases_cooldown: Cooldown,
    pub(super) store_cooldown: Cooldown,
}

/// Skips questions for [`RETRY_AFTER`] after one timed out, so that callers do not each wait for
/// the same timeout.
#[derive(Debug, Default)]
pub(super) struct Cooldown(Mutex<Option<Instant>>);

impl Cooldown {
    /// Returns the answer, or `None` after [`ANSWER_WITHIN`], and at once during a cooldown.
    pub(super) async fn ask<T>(&self, question: impl Future<Output = T>) -> Option<T> {
        let until = *self.0.lock();
        if until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let answer = timeout(ANSWER_WITHIN, question).await.ok();
        if answer.is_none() {
            *self.0.lock() = Some(Instant::now() + RETRY_AFTER);
        }
        answer
    }
}

/// The result of a read, and the ended gateways whose devices it met.
#[derive(Debug, Default)]
pub(super) struct PresenceRead {
    pub(super) presences: Vec<Presence>,
    pub(super) ended: Vec<GatewayId>,
}

impl PresenceReader {
    /// Reads the presence of these users, in this order.
    pub(super) async fn read(&self, users: &[UserId]) -> PresenceRead {
        let mut read = PresenceRead::default();
        for users in users.chunks(READ_MAX) {
            let readings = self.readings(users).await;
            let complete = readings.iter().flatten().filter(|reading| reading.is_complete);
            let devices = complete.flat_map(|reading| &reading.devices);
            let ended = devices.filter(|device| device.lease != Lease::Alive);
            read.ended.extend(ended.map(|device| device.gateway));
            read.presences.extend(self.evaluate(users, &readings).await);
        }
        read.ended.sort_unstable();
        read.ended.dedup();
        read
    }

    /// Reads the leases and adds this gateway's own devices, which may not be published yet.
    async fn readings(&self, users: &[UserId]) -> Vec<Option<Reading>> {
        let answer = self.leases_cooldown.ask(self.leases.of_users(users)).await;
        let mut readings = answer.unwrap_or_default();
        readings.resize_with(users.len(), || None);
        let devices = self.devices.lock();
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
        let evaluate_one = |index: usize, stored: Option<Timestamp>| {
            evaluate(users[index], readings[index].as_ref(), stored, now)
        };
        let mut presences: Vec<_> =
            (0..users.len()).map(|index| evaluate_one(index, None)).collect();
        let is_offline = |index: &usize| presences[*index].status == Status::Offline;
        let offline: Vec<usize> = (0..users.len()).filter(is_offline).collect();
        let offline_users: Vec<_> = offline.iter().map(|index| users[*index]).collect();
        let stored = self.stored_last_seen(&offline_users).await;
        for (place, index) in offline.into_iter().enumerate() {
            match &stored {
                Some(stored) => {
                    presences[index] = evaluate_one(index, stored.get(place).copied().flatten());
                }
                // The store may have a later time than ended leases show.
                None => presences[index].last_seen_at = None,
            }
        }
        presences
    }

    /// Returns the stored last seen of these users, or `None` if the store does not answer.
    async fn stored_last_seen(&self, users: &[UserId]) -> Option<Vec<Option<Timestamp>>> {
        if users.is_empty() {
            return Some(Vec::new());
        }
        match self.store_cooldown.ask(self.last_seen.of_users(users)).await? {
            Ok(stored) => Some(stored),
            Err(error) => {
                tracing::debug!(%error, "last seen not read");
                None
            }
        }
    }
}
