//! Buries ended gateways: keeps when their users were last seen, then forgets their devices.
//!
//! Several gateways notice the same end. Each waits for a while of its own first, and mostly finds
//! the work done; where not, doing it twice does no harm.

use std::{
    collections::BTreeSet,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chat_core::{
    id::{GatewayId, UserId},
    time::Timestamp,
};
use tokio::{sync::Notify, time::sleep};

use super::Shared;
use crate::{
    evaluate::ended_at,
    limits::{BURY_JITTER_MAX, BURY_RETRY_AFTER},
    model::Reading,
};

/// The ended gateways that this one has noticed and not buried yet.
#[derive(Debug, Default)]
pub(super) struct Burials {
    gateways: Mutex<BTreeSet<GatewayId>>,
    noticed: Notify,
}

impl Burials {
    pub(super) fn notice(&self, ended: impl IntoIterator<Item = GatewayId>) {
        let mut gateways = self.lock();
        for gateway in ended {
            if gateways.insert(gateway) {
                self.noticed.notify_one();
            }
        }
    }

    /// The one whose turn it is after this one. Cancel-safe.
    async fn next(&self, last: Option<GatewayId>) -> GatewayId {
        loop {
            if let Some(gateway) = self.after(last) {
                return gateway;
            }
            self.noticed.notified().await;
        }
    }

    fn after(&self, last: Option<GatewayId>) -> Option<GatewayId> {
        let gateways = self.lock();
        let above = last.map_or(Bound::Unbounded, Bound::Excluded);
        let next = gateways.range((above, Bound::Unbounded)).next();
        next.or_else(|| gateways.first()).copied()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<GatewayId>> {
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Buries what is noticed, for ever. They take turns: one that cannot be buried holds up no other.
pub(super) async fn run(shared: &Shared) {
    let mut last = None;
    loop {
        let gateway = shared.burials.next(last).await;
        sleep(shared.jitter.below(BURY_JITTER_MAX)).await;
        if bury(shared, gateway).await.is_some() {
            shared.burials.lock().remove(&gateway);
        } else {
            sleep(BURY_RETRY_AFTER).await;
        }
        last = Some(gateway);
    }
}

/// `None` where it could not be done now.
async fn bury(shared: &Shared, gateway: GatewayId) -> Option<()> {
    let mut kept = Vec::new();
    loop {
        let left = shared.in_time(shared.reader.leases.bury(gateway, &kept)).await?.ok()?;
        if left.is_empty() {
            return Some(());
        }
        if left == kept {
            tracing::error!(%gateway, users = left.len(), "buried devices are still there");
            return None;
        }
        let readings = shared.in_time(shared.reader.leases.of_users(&left)).await?;
        let seen = last_seen(gateway, &left, &readings, shared.clock.now())?;
        tracing::info!(%gateway, users = left.len(), "keeping last seen for an ended gateway");
        if !seen.is_empty() && !shared.seen.advance(&seen).await {
            return None;
        }
        kept = left;
    }
}

/// When these users' devices at the gateway ended; `None` where that is not known of all.
fn last_seen(
    gateway: GatewayId,
    users: &[UserId],
    readings: &[Option<Reading>],
    now: Timestamp,
) -> Option<Vec<(UserId, Timestamp)>> {
    let mut seen = Vec::new();
    for (user, reading) in users.iter().zip(readings) {
        let devices = reading.as_ref()?.devices.iter().filter(|d| d.gateway == gateway);
        seen.extend(devices.filter_map(ended_at).max().map(|at| (*user, at.min(now))));
    }
    (readings.len() == users.len()).then_some(seen)
}
