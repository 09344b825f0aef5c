//! Reads the ended logins from the store when hints about them may have been lost.

use std::sync::Arc;

use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    chat::Chat,
    error::StoreError,
    limits::{ENDED_LOGINS_EVERY, STORE_PAUSE},
};

/// Reads the ended logins on each request. While the bus is down it reads them regularly.
pub(super) async fn run(chat: Arc<Chat>, requested: Arc<Notify>) {
    let mut ticks = interval(ENDED_LOGINS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_requested = tokio::select! {
            biased;
            () = requested.notified() => true,
            _ = ticks.tick() => false,
        };
        if !is_requested && chat.context.ports.bus.is_up() {
            continue;
        }
        while let Err(error) = read(&chat).await {
            tracing::warn!(%error, "the ended logins were not read");
            sleep(STORE_PAUSE).await;
        }
    }
}

async fn read(chat: &Chat) -> Result<(), StoreError> {
    let now = chat.context.ports.wall_clock.now();
    for ended in chat.stores().logins.ended(now).await? {
        if chat.context.revoked.insert_stored(ended, now) {
            chat.end_sessions_of(ended.identity);
        }
    }
    Ok(())
}
