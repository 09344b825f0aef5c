//! The users who must not notice an attack: they send in their own conversations at a steady rate.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    runtime,
    task::{JoinHandle, spawn_blocking},
    time::interval,
};

use super::load::label_of_outcome;
use crate::client::{Outcome, User};

/// Pairs of users with a conversation each.
const PAIRS: usize = 4;
/// The pause between two sends of one user.
const PAUSE: Duration = Duration::from_millis(200);

/// The users, before they send.
#[derive(Debug)]
pub(super) struct Pairs(Vec<Pair>);

#[derive(Debug)]
struct Pair {
    users: [User; 2],
    conversation: String,
}

impl Pairs {
    /// Registers the users and opens their conversations.
    pub(super) async fn register(url: &str) -> Result<Self> {
        let mut pairs = Vec::new();
        for number in 0..PAIRS {
            let one = User::register(url, &format!("other-{number}-a")).await?;
            let two = User::register(url, &format!("other-{number}-b")).await?;
            let conversation = one.acquainted(&two).await?;
            pairs.push(Pair { users: [one, two], conversation });
        }
        Ok(Self(pairs))
    }

    /// Returns their conversations.
    pub(super) fn conversations(&self) -> Vec<String> {
        self.0.iter().map(|pair| pair.conversation.clone()).collect()
    }

    /// Connects all users to this gateway. They begin to send.
    pub(super) fn send_steadily(&self, url: &str) -> Others {
        let ended = Arc::new(AtomicBool::new(false));
        let sends = Arc::new(Mutex::new(Sends::default()));
        let senders = self.0.iter().flat_map(|pair| {
            pair.users.iter().map(|user| Sender {
                user: user.at(url),
                conversation: pair.conversation.clone(),
                sends: Arc::clone(&sends),
                stop: Arc::clone(&ended),
            })
        });
        let senders: Vec<_> = senders.collect();
        // A thread of its own, so that the attackers of this process do not delay it.
        let thread = spawn_blocking(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(try_join_all(senders.iter().map(Sender::send_until_stopped))).map(drop)
        });
        Others { ended, sends, thread }
    }
}

/// The sends of the other users.
#[derive(Debug, Default)]
pub(super) struct Sends {
    took: Vec<Duration>,
    /// Refused sends by code.
    pub(super) refused: BTreeMap<String, u64>,
}

impl Sends {
    /// Returns the p50 and the p99.
    pub(super) fn latency(mut self) -> Result<Latency> {
        self.took.sort_unstable();
        let last = self.took.len().checked_sub(1).context("the other users sent nothing")?;
        let at = |percent: usize| self.took[(last * percent).div_ceil(100)];
        Ok(Latency { p50: at(50), p99: at(99), sends: last + 1 })
    }
}

/// How long sends took, from the moment at which they were due.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
    /// The number of sends.
    pub sends: usize,
}

/// The users while they send. They end after a drop.
#[derive(Debug)]
pub(super) struct Others {
    ended: Arc<AtomicBool>,
    sends: Arc<Mutex<Sends>>,
    thread: JoinHandle<Result<()>>,
}

impl Others {
    /// Returns the sends since the last call.
    pub(super) fn take(&self) -> Sends {
        std::mem::take(&mut self.sends.lock())
    }

    /// Stops sending, and returns the sends since the last call of [`Self::take`].
    pub(super) async fn stop(mut self) -> Result<Sends> {
        self.ended.store(true, Ordering::Relaxed);
        (&mut self.thread).await?.context("the other users")?;
        Ok(self.take())
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// A user who sends.
#[derive(Debug)]
struct Sender {
    user: User,
    conversation: String,
    sends: Arc<Mutex<Sends>>,
    stop: Arc<AtomicBool>,
}

impl Sender {
    async fn send_until_stopped(&self) -> Result<()> {
        let mut ws = self.user.ws(None).await?;
        let mut ticks = interval(PAUSE);
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            // A late send counts from when it was due.
            let due = ticks.tick().await;
            number += 1;
            let client_id = format!("{}-{number}", self.user.username);
            let body = json!({
                "conversation": self.conversation, "client_id": client_id, "text": "hello",
            });
            let outcome = ws.call("send", body).await?;
            self.record(due.elapsed(), &outcome);
            ws.forget_events();
        }
        ws.close().await
    }

    fn record(&self, took: Duration, outcome: &Outcome) {
        let mut sends = self.sends.lock();
        sends.took.push(took);
        if outcome.is_err() {
            *sends.refused.entry(label_of_outcome(outcome)).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all_sends() -> Result<()> {
        let took = (1..=101).rev().map(Duration::from_millis).collect();
        let latency = Sends { took, refused: BTreeMap::new() }.latency()?;
        assert_eq!(latency.p50, Duration::from_millis(51));
        assert_eq!(latency.p99, Duration::from_millis(100));
        assert!(Sends::default().latency().is_err());
        Ok(())
    }
}
