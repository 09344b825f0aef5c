//! One primary as this gateway knows it: whether it is up, and the ways to reach it.
//!
//! A primary is up while both of its connections are. Each time it comes up, both queues of
//! arrivals receive "lost": whatever was published in between is gone.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chat_core::port::Arrival;
use parking_lot::Mutex;
use presence::Change;
use redis::{FromRedisValue, RedisError, ScriptInvocation, aio::MultiplexedConnection};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::timeout,
};

use super::{
    arrivals::ArrivalQueue,
    connection::{Address, ConnectionError},
    metrics::RedisMetrics,
    probes::Probes,
    publisher::{HINTS_BYTES_MAX, PAYLOAD_BYTES_MAX},
    subscriber::Request,
};

/// How often each connection is checked.
pub(super) const CHECK_EVERY: Duration = Duration::from_millis(500);
/// The timeout of one answer. With [`CHECK_EVERY`] it bounds how long a silent primary counts as up.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// How often the publisher connection sends a probe.
pub(super) const PROBE_EVERY: Duration = Duration::from_millis(125);
/// How old the last received probe may be for the bus to be current. A probe that has been
/// outstanding for 250 ms exceeds it.
pub(super) const PROBE_AGE_MAX: Duration = PROBE_EVERY.saturating_add(Duration::from_millis(250));

/// What all primaries of a gateway share.
pub(super) struct Shared {
    pub(super) hints: ArrivalQueue<Arrival>,
    pub(super) changes: ArrivalQueue<Change>,
    pub(super) metrics: RedisMetrics,
    /// The channel of this gateway's probes.
    pub(super) probe_channel: String,
}

/// One of the two connections to a primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Subscriber,
    Publisher,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Health {
    is_subscriber_up: bool,
    is_publisher_up: bool,
    /// A warning was logged since the primary was up last.
    has_warned: bool,
}

impl Health {
    const fn is_up(self) -> bool {
        self.is_subscriber_up && self.is_publisher_up
    }
}

/// A hint in the publisher's queue.
#[derive(Debug)]
pub(super) struct QueuedHint {
    pub(super) channel: String,
    pub(super) payload: Bytes,
}

pub(super) struct Primary {
    pub(super) address: Address,
    pub(super) shared: Arc<Shared>,
    pub(super) probes: Probes,
    /// Tells the publisher to replace its connection, because its probes do not arrive.
    pub(super) publisher_suspect: Notify,
    pub(super) queued_bytes: AtomicUsize,
    health: watch::Sender<Health>,
    requests: mpsc::Sender<Request>,
    hints: mpsc::Sender<QueuedHint>,
    /// The publisher connection, which also runs scripts.
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Primary {
    pub(super) fn new(
        address: Address,
        shared: Arc<Shared>,
        requests: mpsc::Sender<Request>,
        hints: mpsc::Sender<QueuedHint>,
    ) -> Self {
        shared.metrics.primaries_down.increment(1.0);
        Self {
            address,
            shared,
            probes: Probes::new(),
            publisher_suspect: Notify::new(),
            queued_bytes: AtomicUsize::new(0),
            health: watch::Sender::new(Health::default()),
            requests,
            hints,
            connection: Mutex::new(None),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.health.borrow().is_up()
    }

    /// Returns true if it is up and a recent probe has arrived. Everything published before that
    /// probe has then arrived, too.
    pub(super) fn is_current(&self) -> bool {
        self.is_up() && self.probes.is_proven_within(PROBE_AGE_MAX)
    }

    pub(super) async fn wait_until_up(&self) {
        let mut health = self.health.subscribe();
        // The sender lives in `self`, so this cannot fail.
        health.wait_for(|health| health.is_up()).await.map(drop).unwrap_or_default();
    }

    pub(super) fn mark_up(&self, role: Role) {
        if self.set_up(role, true) {
            self.shared.metrics.primaries_down.decrement(1.0);
            tracing::info!(primary = %self.address, "redis primary is up");
            self.report_lost();
        }
    }

    /// Tells the readers that anything published until now may not have arrived.
    pub(super) fn report_lost(&self) {
        self.shared.metrics.hints_lost.increment(1);
        self.shared.hints.push_lost();
        self.shared.changes.push_lost();
    }

    pub(super) fn mark_down(&self, role: Role, error: &ConnectionError) {
        tracing::debug!(primary = %self.address, ?role, %error, "redis connection closed");
        if self.set_up(role, false) {
            self.shared.metrics.primaries_down.increment(1.0);
            self.shared.changes.push_lost();
        }
        self.health.send_modify(|health| {
            if !health.has_warned {
                health.has_warned = true;
                tracing::warn!(primary = %self.address, ?role, %error, "redis primary is down");
            }
        });
    }

    /// Returns true if the primary came up or went down with that.
    fn set_up(&self, role: Role, is_up: bool) -> bool {
        let mut has_changed = false;
        self.health.send_modify(|health| {
            let before = health.is_up();
            match role {
                Role::Subscriber => health.is_subscriber_up = is_up,
                Role::Publisher => health.is_publisher_up = is_up,
            }
            has_changed = before != health.is_up();
            health.has_warned &= !health.is_up();
        });
        has_changed
    }

    pub(super) fn set_connection(&self, connection: Option<MultiplexedConnection>) {
        *self.connection.lock() = connection;
    }

    /// Runs a script. An error explains why it is not known to have run.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        within: Duration,
    ) -> Result<T, String> {
        let connection = self.connection.lock().clone();
        let mut connection = connection.ok_or_else(|| format!("{} is down", self.address))?;
        match timeout(within, script.invoke_async(&mut connection)).await {
            Ok(answer) => answer.map_err(|error| format!("{}: {error}", self.address)),
            Err(_) => Err(format!("no answer from {} in time", self.address)),
        }
    }

    /// Queues a hint for the publisher, or drops it if the queue is full, the hint is too large or
    /// the publisher is not connected.
    pub(super) fn publish(&self, channel: String, payload: Bytes) {
        let bytes = payload.len();
        let queued = self.queued_bytes.load(Ordering::Relaxed);
        let fits = bytes <= PAYLOAD_BYTES_MAX && queued + bytes <= HINTS_BYTES_MAX;
        if !fits || !self.health.borrow().is_publisher_up {
            return self.shared.metrics.hints_dropped.increment(1);
        }
        // Counted before it is sent, because the publisher may take it at once.
        self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.hints.try_send(QueuedHint { channel, payload }).is_err() {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.shared.metrics.hints_dropped.increment(1);
        }
    }

    /// Sends a request to the subscriber. It takes requests at all times, and each step of its work
    /// has a timeout, so this does not wait for long.
    pub(super) async fn send_request(&self, request: Request) -> Result<(), String> {
        let ended = |_| format!("the subscriber of {} has ended", self.address);
        self.requests.send(request).await.map_err(ended)
    }
}

impl fmt::Debug for Primary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let health = *self.health.borrow();
        f.debug_struct("Primary")
            .field("address", &self.address)
            .field("health", &health)
            .finish_non_exhaustive()
    }
}

/// Returns the answer, or an error after [`ANSWER_WITHIN`].
pub(super) async fn in_time<T>(
    answer: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, ConnectionError> {
    Ok(timeout(ANSWER_WITHIN, answer).await.map_err(|_| ConnectionError::Timeout)??)
}
