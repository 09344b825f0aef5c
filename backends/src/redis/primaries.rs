//! All primaries of a gateway: which one has what, and subscriptions across several of them.

use std::{fmt, sync::Arc};

use futures_util::future::join_all;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{
    primary::{ANSWER_WITHIN, Primary, Shared},
    ring::Ring,
    subscriber::{Request, Waiter},
    topic::Topic,
};

pub(super) struct Primaries {
    pub(super) all: Vec<Arc<Primary>>,
    pub(super) shared: Arc<Shared>,
    pub(super) ring: Ring,
}

impl Primaries {
    /// Returns the primary of this name.
    pub(super) fn of(&self, name: &str) -> &Arc<Primary> {
        &self.all[self.ring.index_of(name)]
    }

    /// Groups items by the primary of their name. Leaves out primaries without items.
    pub(super) fn group<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
    ) -> impl Iterator<Item = (&Arc<Primary>, Vec<T>)> {
        let mut groups: Vec<Vec<T>> = self.all.iter().map(|_| Vec::new()).collect();
        for item in items {
            groups[self.ring.index_of(&name(&item))].push(item);
        }
        self.all.iter().zip(groups).filter(|(_, group)| !group.is_empty())
    }

    /// Subscribes at all primaries concerned. Succeeds when each of them has confirmed it.
    pub(super) async fn subscribe(
        &self,
        topics: impl IntoIterator<Item = Topic>,
    ) -> Result<(), String> {
        let groups = self.group(topics, ToString::to_string);
        let subscriptions = groups.map(|(primary, topics)| async move {
            let (done, confirmed) = oneshot::channel();
            let until = Instant::now() + ANSWER_WITHIN;
            primary.send_request(Request::Subscribe(topics, Waiter { done, until })).await?;
            match timeout_at(until, confirmed).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(format!("the subscriber of {} has ended", primary.address)),
                Err(_) => Err(format!("no answer from {} in time", primary.address)),
            }
        });
        join_all(subscriptions).await.into_iter().collect()
    }

    /// Requests the end of subscriptions; they end after a while.
    pub(super) async fn unsubscribe(&self, topics: impl IntoIterator<Item = Topic>) {
        let groups = self.group(topics, ToString::to_string);
        let requests =
            groups.map(|(primary, topics)| primary.send_request(Request::Unsubscribe(topics)));
        for error in join_all(requests).await.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "channels not unsubscribed");
        }
    }
}

impl fmt::Debug for Primaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Primaries").field("all", &self.all).finish_non_exhaustive()
    }
}
