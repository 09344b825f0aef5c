//! Keeps this gateway's lease and publishes its devices.
//!
//! One task writes devices, one batch after the other, so all writes about a device are in order.

use std::{sync::Arc, time::Duration};

use chat_core::id::GatewayId;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Shared, device::Published};
use crate::{
    limits::{RENEW_EVERY, REPUBLISH_JITTER_MAX, RETRY_AFTER},
    port::{LeasesError, Renewal, Term},
};

/// Publishes devices until `stop`.
pub(super) async fn publish(shared: Arc<Shared>, stop: CancellationToken) {
    stop.run_until_cancelled(publish_batches(&shared)).await;
    // Last seen may have been queued by the cancellation.
    shared.last_seen.flush().await;
}

async fn publish_batches(shared: &Shared) {
    loop {
        let now = shared.now();
        let (gateway, (batch, next_check)) = {
            let mut devices = shared.devices.lock();
            (devices.gateway(), devices.take_batch(now))
        };
        if batch.is_empty() {
            let changed = shared.devices_changed.notified();
            match next_check {
                None => changed.await,
                Some(at) => {
                    // Look again after a change and after the deadline alike.
                    timeout_at(at, changed).await.ok();
                }
            }
            continue;
        }
        let leases = &shared.reader.leases;
        if !batch.joins.is_empty() {
            let is_applied = is_applied(shared.in_time(leases.join(gateway, &batch.joins)).await);
            let written = batch.joins.iter().map(|join| {
                let applied = is_applied.then_some(Published::Activity(join.activity));
                (join.device, applied.unwrap_or(Published::Unknown))
            });
            shared.devices.lock().note_written(gateway, written, shared.now());
        }
        // Stored before the device leaves, so that a reader who finds it offline also finds last seen.
        shared.last_seen.store(&batch.last_seen).await;
        if !batch.leaves.is_empty() {
            let is_applied = is_applied(shared.in_time(leases.leave(gateway, &batch.leaves)).await);
            let published = if is_applied { Published::Nothing } else { Published::Unknown };
            let written = batch.leaves.iter().map(|device| (*device, published));
            shared.devices.lock().note_written(gateway, written, shared.now());
        }
        let unpublished = batch.unpublished.iter().map(|device| (*device, Published::Nothing));
        shared.devices.lock().note_written(gateway, unpublished, shared.now());
    }
}

fn is_applied(answer: Option<Result<(), LeasesError>>) -> bool {
    match answer {
        Some(Ok(())) => return true,
        Some(Err(error)) => tracing::debug!(%error, "devices not published"),
        None => tracing::debug!("devices not published in time"),
    }
    false
}

/// Begins the lease and renews it until `stop`. Then it shortens the lease to the grace period, with
/// which all devices of the gateway end.
pub(super) async fn keep_lease(shared: Arc<Shared>, stop: CancellationToken) {
    stop.run_until_cancelled(renew(&shared)).await;
    let gateway = shared.devices.lock().gateway();
    let renewal = shared.reader.leases.renew(gateway, shared.clock.now(), Term::Last);
    if !matches!(shared.in_time(renewal).await, Some(Ok(_))) {
        tracing::info!(%gateway, "lease not shortened; it ends when its time is up");
    }
}

async fn renew(shared: &Shared) {
    let mut term = Term::First;
    let mut has_failed = false;
    let republish_delay = || shared.jitter.below(REPUBLISH_JITTER_MAX);
    loop {
        let gateway = shared.devices.lock().gateway();
        let renewal = shared.reader.leases.renew(gateway, shared.clock.now(), term);
        let pause = match shared.in_time(renewal).await {
            Some(Ok(Renewal::Alive)) => {
                let mut devices = shared.devices.lock();
                devices.note_lease_begun();
                if has_failed {
                    devices.republish_all(Instant::now(), republish_delay);
                }
                drop(devices);
                shared.devices_changed.notify_one();
                has_failed = false;
                term = Term::Next;
                RENEW_EVERY
            }
            Some(Ok(Renewal::Ended)) => {
                tracing::warn!(%gateway, "lease has ended, beginning another");
                let fresh = GatewayId::from(shared.clock.fresh_id());
                shared.devices.lock().restart(fresh, Instant::now(), republish_delay);
                // Whatever the failed renewals left behind has ended with the lease.
                has_failed = false;
                term = Term::First;
                Duration::ZERO
            }
            Some(Err(_)) | None => {
                if !has_failed {
                    tracing::warn!(%gateway, "lease not renewed");
                    // What sessions were sent may not be known any more: read it again.
                    shared.watchers.lock().touch_all();
                    shared.watch_changed.notify_one();
                }
                has_failed = true;
                RETRY_AFTER
            }
        };
        // Renew after the pause, or earlier on request.
        timeout(pause, shared.renew_now.notified()).await.ok();
    }
}
