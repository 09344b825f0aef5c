//! The task that sends changes to watching sessions.
//!
//! It alone reads watched users, one batch after the other, so every session receives changes in
//! order. Changes often come in twos and threes (a socket closes as another opens), so the task
//! waits for a moment before it reads.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chat_core::id::UserId;
use futures_util::{StreamExt, stream};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout},
};

use super::{Shared, watchers::Update};
use crate::{
    limits::{GATHER_FOR, REREAD_EVERY, RETRY_AFTER, VISIBILITY_CHECKS_MAX},
    model::Status,
    port::Change,
};

/// Receives changes, reads users and sends updates, forever.
pub(super) async fn run(shared: Arc<Shared>, mut changes: Receiver<Change>) {
    let shared = &*shared;
    let (mut retry, mut reread) = (ticks(RETRY_AFTER), ticks(REREAD_EVERY));
    loop {
        // All branches are cancel-safe.
        tokio::select! {
            Some(change) = changes.recv() => note_change(shared, change),
            () = shared.watch_changed.notified() => {}
            _ = retry.tick() => shared.watchers.lock().touch_unknown(),
            _ = reread.tick() => shared.watchers.lock().touch_all(),
        }
        let is_awaited = shared.watchers.lock().has_awaited();
        if !is_awaited {
            // A session that begins to wait ends the gathering; otherwise the time does.
            timeout(GATHER_FOR, shared.watch_changed.notified()).await.ok();
        }
        while run_batch(shared, &mut changes).await {}
    }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn note_change(shared: &Shared, change: Change) {
    match change {
        Change::User(user) => shared.watchers.lock().touch(user),
        Change::Ended(gateway) => {
            shared.watchers.lock().touch_all();
            shared.reaper.add([gateway]);
        }
        Change::Lost => {
            shared.watchers.lock().touch_all();
            // The leases may have been lost: renew this gateway's own at once.
            shared.renew_now.notify_one();
        }
    }
}

/// Handles one batch. Returns true if there may be another.
async fn run_batch(shared: &Shared, changes: &mut Receiver<Change>) -> bool {
    while let Ok(change) = changes.try_recv() {
        note_change(shared, change);
    }
    let subscriptions = shared.watchers.lock().take_subscription_changes();
    let (begin, end) = (&subscriptions.begin, &subscriptions.end);
    let leases = &shared.reader.leases;
    if !begin.is_empty() && shared.in_time(leases.watch(begin)).await.is_none() {
        tracing::warn!(users = begin.len(), "watch not confirmed in time");
    }
    if !end.is_empty() && shared.in_time(leases.unwatch(end)).await.is_none() {
        tracing::warn!(users = end.len(), "unwatch not confirmed in time");
    }

    let batch = shared.watchers.lock().take_read_batch();
    if batch.is_empty() {
        if !begin.is_empty() || !end.is_empty() {
            return true;
        }
        let has_deferred = shared.watchers.lock().touch_deferred();
        if has_deferred {
            sleep(GATHER_FOR).await;
        }
        return has_deferred;
    }
    let read = shared.reader.read(&batch).await;
    shared.reaper.add(read.ended);
    let updates = shared.watchers.lock().note_read(&read.presences, Instant::now());
    shared.batch_read.notify_waiters();
    send(shared, updates).await;
    true
}

async fn send(shared: &Shared, updates: Vec<Update>) {
    let mut by_watcher: HashMap<UserId, Vec<Update>> = HashMap::new();
    for update in updates {
        by_watcher.entry(update.watcher).or_default().push(update);
    }
    let sends = by_watcher.into_iter().map(|(watcher, updates)| async move {
        let is_unknown = |update: &Update| update.presence.status == Status::Unknown;
        let may_see = if updates.iter().all(is_unknown) {
            // This tells nothing about the users.
            vec![true; updates.len()]
        } else {
            let users: Vec<_> = updates.iter().map(|update| update.presence.user).collect();
            shared.visibility.may_see(watcher, &users).await
        };
        for (update, may_see) in updates.iter().zip(may_see) {
            let sent = shared.watchers.lock().note_sent(update, may_see);
            if let Some((listener, presence)) = sent {
                listener.presence_changed(&presence);
            }
        }
    });
    stream::iter(sends).buffer_unordered(VISIBILITY_CHECKS_MAX).collect::<()>().await;
}
