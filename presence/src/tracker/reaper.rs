//! Removes the devices of gateways that have ended, after storing when their users were last seen.
//!
//! Several gateways notice the same end. Each waits for a random delay first and mostly finds the
//! work done. Doing it twice does no harm.

use std::{collections::BTreeSet, ops::Bound, sync::Arc};

use chat_core::{
    id::{GatewayId, UserId},
    time::Timestamp,
};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::sleep};

use super::Shared;
use crate::{
    evaluate::ended_at,
    limits::{REAP_JITTER_MAX, REAP_RETRY_AFTER},
    model::Reading,
};

/// The ended gateways whose devices are to be removed.
#[derive(Debug, Default)]
pub(super) struct Reaper {
    ended: Mutex<BTreeSet<GatewayId>>,
    added: Notify,
}

impl Reaper {
    pub(super) fn add(&self, gateways: impl IntoIterator<Item = GatewayId>) {
        let mut ended = self.ended.lock();
        for gateway in gateways {
            if ended.insert(gateway) {
                self.added.notify_one();
            }
        }
    }

    /// Waits for the ended gateway that follows `last` in a round-robin. Cancel-safe.
    async fn next(&self, last: Option<GatewayId>) -> GatewayId {
        let after = (last.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        loop {
            let next = {
                let ended = self.ended.lock();
                ended.range(after).next().or_else(|| ended.first()).copied()
            };
            if let Some(gateway) = next {
                return gateway;
            }
            self.added.notified().await;
        }
    }
}

/// Reaps ended gateways in turn, forever. One that cannot be reaped does not hold up the others.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut last = None;
    loop {
        let gateway = shared.reaper.next(last).await;
        sleep(shared.jitter.below(REAP_JITTER_MAX)).await;
        if reap(&shared, gateway).await.is_some() {
            shared.reaper.ended.lock().remove(&gateway);
        } else {
            sleep(REAP_RETRY_AFTER).await;
        }
        last = Some(gateway);
    }
}

/// Removes all devices of the gateway. Returns `None` if that is not possible now.
async fn reap(shared: &Shared, gateway: GatewayId) -> Option<()> {
    let mut stored = Vec::new();
    loop {
        let left = shared.in_time(shared.reader.leases.reap(gateway, &stored)).await?.ok()?;
        if left.is_empty() {
            return Some(());
        }
        if left == stored {
            tracing::error!(%gateway, users = left.len(), "devices of an ended gateway not removed");
            return None;
        }
        let readings = shared.in_time(shared.reader.leases.of_users(&left)).await?;
        let last_seen = last_seen(gateway, &left, &readings, shared.clock.now())?;
        tracing::info!(%gateway, users = left.len(), "storing last seen for an ended gateway");
        if !last_seen.is_empty() && !shared.last_seen.store_now(&last_seen).await {
            return None;
        }
        stored = left;
    }
}

/// Returns when these users' devices at the gateway ended, or `None` if one of them is not known.
fn last_seen(
    gateway: GatewayId,
    users: &[UserId],
    readings: &[Option<Reading>],
    now: Timestamp,
) -> Option<Vec<(UserId, Timestamp)>> {
    if readings.len() != users.len() {
        return None;
    }
    let mut last_seen = Vec::new();
    for (user, reading) in users.iter().zip(readings) {
        let devices = reading.as_ref()?.devices.iter().filter(|d| d.gateway == gateway);
        last_seen.extend(devices.filter_map(ended_at).max().map(|at| (*user, at.min(now))));
    }
    Some(last_seen)
}
