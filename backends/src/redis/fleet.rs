//! All primaries together: who keeps what, and subscribing over several of them.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{
    primary::{ANSWER_WITHIN, Primary, Shared},
    ring::Ring,
    subscriber::{Order, Waiting},
    topic::Topic,
};

/// The primaries of a gateway.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) primaries: Vec<Arc<Primary>>,
    pub(super) shared: Arc<Shared>,
    pub(super) ring: Ring,
}

impl Fleet {
    /// The primary that keeps what has this name.
    pub(super) fn of(&self, name: &str) -> &Arc<Primary> {
        &self.primaries[self.ring.place(name)]
    }

    /// Items by the primary that the name of each belongs to; only primaries that have some.
    pub(super) fn share<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
    ) -> impl Iterator<Item = (&Arc<Primary>, Vec<T>)> {
        let mut shares: Vec<Vec<T>> = self.primaries.iter().map(|_| Vec::new()).collect();
        for item in items {
            shares[self.ring.place(&name(&item))].push(item);
        }
        self.primaries.iter().zip(shares).filter(|(_, share)| !share.is_empty())
    }

    /// Subscribes at all primaries concerned; confirmed by each when it succeeds.
    pub(super) async fn subscribe(
        &self,
        topics: impl IntoIterator<Item = Topic>,
    ) -> Result<(), String> {
        let shares = self.share(topics, ToString::to_string);
        let done = join_all(shares.map(|(primary, topics)| subscribe(primary, topics))).await;
        done.into_iter().collect()
    }

    /// Ends subscriptions, some time soon.
    pub(super) async fn unsubscribe(&self, topics: impl IntoIterator<Item = Topic>) {
        let shares = self.share(topics, ToString::to_string);
        let orders = shares.map(|(primary, topics)| primary.order(Order::End(topics)));
        for error in join_all(orders).await.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "channels not left");
        }
    }
}

async fn subscribe(primary: &Primary, topics: Vec<Topic>) -> Result<(), String> {
    let (sender, done) = oneshot::channel();
    let until = Instant::now() + ANSWER_WITHIN;
    primary.order(Order::Begin(topics, Waiting { done: sender, until })).await?;
    let ended = |_| Err(format!("the subscriber of {} has ended", primary.address));
    let late = |_| Err(format!("no answer from {} in time", primary.address));
    timeout_at(until, done).await.map_or_else(late, |done| done.unwrap_or_else(ended))
}
