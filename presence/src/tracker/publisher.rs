//! Publishes this gateway's devices: keeps its lease, and the leases' fields as the records are.
//!
//! One task writes, batch after batch, so that what is written about a device is written in order.

use chat_core::id::GatewayId;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Shared,
    devices::{Done, Work},
};
use crate::{
    limits::{RENEW_EVERY, REPUBLISH_JITTER_MAX, RETRY_AFTER},
    port::{Renewed, Term},
};

/// Writes what is to be written, for ever.
pub(super) async fn publish(shared: &Shared) {
    loop {
        let now = shared.now();
        let (gateway, (work, next)) = {
            let mut devices = shared.devices();
            (devices.gateway(), devices.take(now))
        };
        if work.is_empty() {
            wait(shared, next).await;
        } else {
            write(shared, gateway, &work).await;
        }
    }
}

async fn wait(shared: &Shared, next: Option<Instant>) {
    let changed = shared.work.notified();
    match next {
        None => changed.await,
        Some(at) => {
            // Either way the records are looked at again.
            timeout_at(at, changed).await.ok();
        }
    }
}

/// Last seen is kept before a device leaves, so that whoever reads it offline finds it.
async fn write(shared: &Shared, gateway: GatewayId, work: &Work) {
    if !work.joins.is_empty() {
        let done = done(shared.in_time(shared.reader.leases.join(gateway, &work.joins)).await);
        shared.devices().joined(gateway, &work.joins, done, shared.now());
    }
    shared.seen.keep(&work.seen).await;
    if !work.leaves.is_empty() {
        let done = done(shared.in_time(shared.reader.leases.leave(gateway, &work.leaves)).await);
        shared.devices().left(gateway, &work.leaves, done, shared.now());
    }
    shared.devices().left(gateway, &work.gone, Done::Surely, shared.now());
}

fn done<E: std::fmt::Display>(answer: Option<Result<(), E>>) -> Done {
    match answer {
        Some(Ok(())) => return Done::Surely,
        Some(Err(error)) => tracing::debug!(%error, "devices not published"),
        None => tracing::debug!("devices not published in time"),
    }
    Done::Perhaps
}

/// Begins the lease and renews it, for ever.
pub(super) async fn renew(shared: &Shared) {
    let mut term = Term::First;
    let mut failed = false;
    loop {
        let gateway = shared.devices().gateway();
        let renewal = shared.reader.leases.renew(gateway, shared.clock.now(), term);
        let pause = match shared.in_time(renewal).await {
            Some(Ok(Renewed::Lives)) => {
                lives(shared, std::mem::take(&mut failed));
                term = Term::Next;
                RENEW_EVERY
            }
            Some(Ok(Renewed::Ended)) => {
                tracing::warn!(%gateway, "lease has ended, beginning another");
                begin_again(shared);
                term = Term::First;
                // What was doubtful has ended.
                failed = false;
                std::time::Duration::ZERO
            }
            Some(Err(_)) | None => {
                fails(shared, gateway, std::mem::replace(&mut failed, true));
                RETRY_AFTER
            }
        };
        // Either is fine: a renewal too many does no harm.
        timeout(pause, shared.renew.notified()).await.ok();
    }
}

/// What is shown may not be known any more: it is read again.
fn fails(shared: &Shared, gateway: GatewayId, failed_before: bool) {
    if !failed_before {
        tracing::warn!(%gateway, "lease not renewed");
        shared.watchers().touch_all();
        shared.fresh.notify_one();
    }
}

fn lives(shared: &Shared, failed: bool) {
    let mut devices = shared.devices();
    devices.begin();
    if failed {
        devices.doubt(Instant::now(), || shared.jitter.below(REPUBLISH_JITTER_MAX));
    }
    drop(devices);
    shared.work.notify_one();
}

fn begin_again(shared: &Shared) {
    let fresh = GatewayId::from(shared.clock.fresh_id());
    let delay = || shared.jitter.below(REPUBLISH_JITTER_MAX);
    shared.devices().begin_again(fresh, Instant::now(), delay);
}

/// The gateway ends: its lease lives for the grace only, and with it all its devices.
pub(super) async fn retire(shared: &Shared) {
    let gateway = shared.devices().gateway();
    let renewal = shared.reader.leases.renew(gateway, shared.clock.now(), Term::Last);
    if !matches!(shared.in_time(renewal).await, Some(Ok(_))) {
        tracing::info!(%gateway, "lease not shortened, it ends by itself");
    }
}
