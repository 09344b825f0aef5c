//! Looks for ended leases on one primary and reports each of them until there is room for it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use chat_core::id::GatewayId;
use presence::{
    Change,
    limits::{HEARTBEAT_GAP_MAX, LEASE_CHECK_EVERY, SETTLE_FOR},
};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    super::{millis, primary::Primary, scripts},
    run,
};

/// Less than [`LEASE_CHECK_EVERY`], because an answer takes time, too.
const CHECK_EVERY: Duration = Duration::from_millis(1_500);

const _: () = assert!(CHECK_EVERY.as_millis() < LEASE_CHECK_EVERY.as_millis(), "reported in time");

/// Reports ended leases, forever.
pub(in super::super) async fn watch_ended_leases(primary: Arc<Primary>) {
    let mut reported: HashSet<GatewayId> = HashSet::new();
    let mut ticks = interval(CHECK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut script = scripts::ENDED.prepare_invoke();
        script.arg(millis(HEARTBEAT_GAP_MAX)).arg(millis(SETTLE_FOR));
        let ended = match run::<Vec<String>>(&primary, &script).await {
            Ok(ended) => ended,
            Err(error) => {
                tracing::debug!(%error, "ended leases not read");
                continue;
            }
        };
        let ended: HashSet<GatewayId> = ended.iter().filter_map(|id| id.parse().ok()).collect();
        reported.retain(|gateway| ended.contains(gateway));
        for gateway in ended {
            // What finds no room now is reported the next time.
            if !reported.contains(&gateway) && primary.shared.changes.push(Change::Ended(gateway)) {
                reported.insert(gateway);
            }
        }
    }
}
