//! One primary as this gateway knows it: whether it can be trusted now, and the ways to it.
//!
//! It is up while both its connections are: the subscriber's and the publisher's. Each time it comes
//! up, both streams say "lost": what was published in between is gone.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chat_core::port::Arrival;
use presence::Change;
use redis::{FromRedisValue, RedisError, ScriptInvocation, aio::MultiplexedConnection};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::timeout,
};

use super::{
    counters::Counters,
    dial::{Address, Doubt},
    probes::Probes,
    publisher::{HINTS_BYTES_MAX, PAYLOAD_BYTES_MAX},
    stream::Stream,
    subscriber::Order,
};

/// How often each connection is tried out.
pub(super) const CHECK_EVERY: Duration = Duration::from_millis(500);
/// How long a primary may take for an answer before it is in doubt. With [`CHECK_EVERY`] it bounds
/// how long a silent primary goes unnoticed.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// How often the publisher connection sends a probe.
pub(super) const PROBE_EVERY: Duration = Duration::from_millis(125);
/// How old a proof may be that hints arrive: a probe that has been outstanding for 250 ms ends it.
pub(super) const PROOF_AGE_MAX: Duration = PROBE_EVERY.saturating_add(Duration::from_millis(250));

/// What all primaries of a gateway share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) arrivals: Stream<Arrival>,
    pub(super) changes: Stream<Change>,
    pub(super) counters: Counters,
    /// The channel of this gateway's probes.
    pub(super) probe: String,
}

/// One of the two connections to a primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Subscriber,
    Publisher,
}

/// Which connections are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct State {
    subscriber: bool,
    publisher: bool,
    /// Whether a doubt was logged that has not ended since.
    warned: bool,
}

impl State {
    pub(super) const fn is_up(self) -> bool {
        self.subscriber && self.publisher
    }

    const fn half(&mut self, half: Half) -> &mut bool {
        match half {
            Half::Subscriber => &mut self.subscriber,
            Half::Publisher => &mut self.publisher,
        }
    }
}

/// A hint that waits to be published.
#[derive(Debug)]
pub(super) struct Hint {
    pub(super) channel: String,
    pub(super) payload: Bytes,
}

/// One primary.
pub(super) struct Primary {
    pub(super) address: Address,
    pub(super) shared: Arc<Shared>,
    pub(super) probes: Probes,
    /// That the publisher's connection is in doubt, too.
    pub(super) distrust: Notify,
    pub(super) hints_bytes: AtomicUsize,
    state: watch::Sender<State>,
    orders: mpsc::Sender<Order>,
    hints: mpsc::Sender<Hint>,
    /// The publisher's, for scripts; `None` while there is none.
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Primary {
    pub(super) fn new(
        address: Address,
        shared: Arc<Shared>,
        orders: mpsc::Sender<Order>,
        hints: mpsc::Sender<Hint>,
    ) -> Self {
        Self {
            address,
            shared,
            probes: Probes::new(),
            distrust: Notify::new(),
            hints_bytes: AtomicUsize::new(0),
            state: watch::Sender::new(State::default()),
            orders,
            hints,
            connection: Mutex::new(None),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.state.borrow().is_up()
    }

    /// Returns true if it is up and a recent probe has been heard: whatever was published before
    /// that probe has arrived.
    pub(super) fn is_current(&self) -> bool {
        self.is_up() && self.probes.is_proven_within(PROOF_AGE_MAX)
    }

    /// Waits until it is up.
    pub(super) async fn up(&self) {
        // The sender is here: this does not fail.
        self.state.subscribe().wait_for(|state| state.is_up()).await.map(drop).unwrap_or_default();
    }

    /// The connection is good from now on.
    pub(super) fn trust(&self, half: Half) {
        if self.turn(half, true) {
            tracing::info!(primary = %self.address, "redis primary is up");
            self.tell_lost();
        }
    }

    /// What was published here until now may not have arrived.
    pub(super) fn tell_lost(&self) {
        self.shared.counters.lost.add(1);
        self.shared.arrivals.tell_lost();
        self.shared.changes.tell_lost();
    }

    /// The connection is gone, or as good as that.
    pub(super) fn doubt(&self, half: Half, doubt: &Doubt) {
        tracing::debug!(primary = %self.address, ?half, %doubt, "redis connection ended");
        if self.turn(half, false) {
            self.shared.changes.tell_lost();
        }
        self.state.send_modify(|state| {
            if !std::mem::replace(&mut state.warned, true) {
                tracing::warn!(primary = %self.address, ?half, %doubt, "redis primary in doubt");
            }
        });
    }

    /// Says whether the primary came up, or went down, with that.
    fn turn(&self, half: Half, good: bool) -> bool {
        let mut turned = false;
        self.state.send_modify(|state| {
            let before = state.is_up();
            *state.half(half) = good;
            turned = before != state.is_up();
            state.warned &= !state.is_up();
        });
        turned
    }

    pub(super) fn connect(&self, connection: Option<MultiplexedConnection>) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// Runs a script; an error says in words why it is not known to have run.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        within: Duration,
    ) -> Result<T, String> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut connection = connection.ok_or_else(|| format!("{} is away", self.address))?;
        match timeout(within, script.invoke_async(&mut connection)).await {
            Ok(answer) => answer.map_err(|error| format!("{}: {error}", self.address)),
            Err(_) => Err(format!("no answer from {} in time", self.address)),
        }
    }

    /// Puts a hint into the publisher's queue, if there is room and somebody to publish it.
    pub(super) fn publish(&self, channel: String, payload: Bytes) {
        let bytes = payload.len();
        let waiting = self.hints_bytes.load(Ordering::Relaxed);
        let fits = bytes <= PAYLOAD_BYTES_MAX && waiting + bytes <= HINTS_BYTES_MAX;
        if !fits || !self.state.borrow().publisher {
            return self.shared.counters.dropped.add(1);
        }
        // Counted first: the publisher may take it at once.
        self.hints_bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.hints.try_send(Hint { channel, payload }).is_err() {
            self.hints_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.shared.counters.dropped.add(1);
        }
    }

    /// Gives the subscriber an order. It takes orders at all times, and each step of its work has a
    /// deadline: nobody waits here for long.
    pub(super) async fn order(&self, order: Order) -> Result<(), String> {
        let error = |_| format!("the subscriber of {} has ended", self.address);
        self.orders.send(order).await.map_err(error)
    }
}

impl fmt::Debug for Primary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = *self.state.borrow();
        f.debug_struct("Primary")
            .field("address", &self.address)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// The answer, if it comes in time.
pub(super) async fn in_time<T>(
    answer: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, Doubt> {
    Ok(timeout(ANSWER_WITHIN, answer).await.map_err(|_| Doubt::Silent)??)
}
