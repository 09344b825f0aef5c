//! Tells watching sessions what changes: one task that hears changes, reads, and shows.
//!
//! It alone decides what is known of a watched user, one reading after the other, so that every
//! session is told in order. Changes come in twos and threes (a socket closes as another opens), so
//! it gathers them for a moment before it reads.

use std::collections::HashMap;

use chat_core::id::UserId;
use futures_util::{StreamExt, stream};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout},
};

use super::{Shared, watchers::Telling};
use crate::{
    limits::{ASKED_AT_ONCE_MAX, GATHER_FOR, REREAD_EVERY, RETRY_AFTER},
    model::Status,
    port::Change,
};

/// Hears, reads and shows, for ever.
pub(super) async fn run(shared: &Shared, mut changes: Receiver<Change>) {
    let (mut retry, mut reread) = (ticks(RETRY_AFTER), ticks(REREAD_EVERY));
    loop {
        // All of these are cancel-safe.
        tokio::select! {
            Some(change) = changes.recv() => hear(shared, change),
            () = shared.fresh.notified() => {}
            _ = retry.tick() => shared.watchers().touch_unknown(),
            _ = reread.tick() => shared.watchers().touch_all(),
        }
        if !shared.watchers().has_fresh() {
            // A session that waits for its answer ends the gathering.
            timeout(GATHER_FOR, shared.fresh.notified()).await.ok();
        }
        while turn(shared, &mut changes).await {}
    }
}

fn ticks(period: std::time::Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn hear(shared: &Shared, change: Change) {
    match change {
        Change::User(user) => shared.watchers().touch(user),
        Change::Ended(gateway) => {
            shared.watchers().touch_all();
            shared.burials.notice([gateway]);
        }
        Change::Lost => {
            shared.watchers().touch_all();
            // The leases may have been away: this gateway's own must not wait for its time.
            shared.renew.notify_one();
        }
    }
}

/// One batch; says whether there may be another.
async fn turn(shared: &Shared, changes: &mut Receiver<Change>) -> bool {
    while let Ok(change) = changes.try_recv() {
        hear(shared, change);
    }
    let turned = subscribe(shared).await;
    let batch = shared.watchers().take_batch();
    if batch.is_empty() {
        return turned || wait_for_later(shared).await;
    }
    let seen = shared.reader.read(&batch).await;
    shared.burials.notice(seen.ended);
    let tellings = shared.watchers().read(&seen.presences, Instant::now());
    shared.answered.notify_waiters();
    tell(shared, tellings).await;
    true
}

/// Follows at the leases who is watched; says whether there was anything to do.
async fn subscribe(shared: &Shared) -> bool {
    let (begin, end) = shared.watchers().take_turned();
    if !begin.is_empty() {
        let watched = shared.in_time(shared.reader.leases.watch(&begin)).await;
        if watched.is_none() {
            tracing::warn!(users = begin.len(), "watching not confirmed in time");
        }
    }
    if !end.is_empty() && shared.in_time(shared.reader.leases.unwatch(&end)).await.is_none() {
        tracing::warn!(users = end.len(), "end of watching not confirmed in time");
    }
    !begin.is_empty() || !end.is_empty()
}

async fn wait_for_later(shared: &Shared) -> bool {
    let some = shared.watchers().touch_later();
    if some {
        sleep(GATHER_FOR).await;
    }
    some
}

async fn tell(shared: &Shared, tellings: Vec<Telling>) {
    let mut by_watcher: HashMap<UserId, Vec<Telling>> = HashMap::new();
    for telling in tellings {
        by_watcher.entry(telling.watcher).or_default().push(telling);
    }
    let all = by_watcher.into_iter().map(|(watcher, tellings)| async move {
        let may = may_be_told(shared, watcher, &tellings).await;
        for (telling, may) in tellings.iter().zip(may) {
            show(shared, telling, may);
        }
    });
    stream::iter(all).buffer_unordered(ASKED_AT_ONCE_MAX).collect::<()>().await;
}

/// Whether the watcher may be told each of these; that nothing is known, everybody may.
async fn may_be_told(shared: &Shared, watcher: UserId, tellings: &[Telling]) -> Vec<bool> {
    if tellings.iter().all(|telling| telling.presence.status == Status::Unknown) {
        return vec![true; tellings.len()];
    }
    let users: Vec<_> = tellings.iter().map(|telling| telling.presence.user).collect();
    shared.known.may_see(watcher, &users).await
}

fn show(shared: &Shared, telling: &Telling, may: bool) {
    let told = shared.watchers().tell(telling, may);
    if let Some((audience, presence)) = told {
        audience.show(&presence);
    }
}
