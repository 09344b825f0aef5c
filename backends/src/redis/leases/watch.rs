//! Looks for ended leases on one primary, and tells of each until it is heard and buried.

use std::{collections::HashSet, sync::Arc, time::Duration};

use chat_core::id::GatewayId;
use presence::{
    Change,
    limits::{HEARTBEAT_GAP_MAX, LEASE_CHECK_EVERY, SETTLE_FOR},
};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    super::{primary::Primary, scripts, stream::Room},
    millis, run,
};

/// Somewhat sooner than promised: an answer takes time, too.
const CHECK_EVERY: Duration = Duration::from_millis(1_500);

const _: () = assert!(CHECK_EVERY.as_millis() < LEASE_CHECK_EVERY.as_millis(), "told in time");

/// Looks for ever.
pub(in super::super) async fn watch_leases(primary: Arc<Primary>) {
    let mut told = HashSet::new();
    let mut ticks = interval(CHECK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut script = scripts::ENDED.prepare_invoke();
        script.arg(millis(HEARTBEAT_GAP_MAX)).arg(millis(SETTLE_FOR));
        match run::<Vec<String>>(&primary, &script).await {
            Ok(ended) => tell(&primary, &ended, &mut told),
            Err(error) => tracing::debug!(%error, "ended leases not looked for"),
        }
    }
}

fn tell(primary: &Primary, ended: &[String], told: &mut HashSet<GatewayId>) {
    let ended: HashSet<GatewayId> = ended.iter().filter_map(|id| id.parse().ok()).collect();
    told.retain(|gateway| ended.contains(gateway));
    for gateway in ended {
        // What found no room is told the next time.
        if !told.contains(&gateway)
            && primary.shared.changes.tell(Change::Ended(gateway)) == Room::Found
        {
            told.insert(gateway);
        }
    }
}
