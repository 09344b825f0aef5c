//! Redis: hints between gateways, leases of presence, and rate limits, over independent primaries.
//!
//! What holds:
//! - Nothing here is the truth. A primary may lose everything, answer late or be away; then hints
//!   are lost (and "lost" is said), presence is unknown, and limits are local and stricter.
//! - A gateway starts without any primary, and goes on trying for ever.
//! - Each primary has two connections of its own handling: one hears ([`subscriber`]), one speaks
//!   ([`publisher`]). Both are tried out each second, and what one publishes the other has to hear;
//!   silence ends a connection.
//! - What arrives is untrusted: capped in size, and dropped and counted where it has no shape.
//!
//! In reading order: [`ring`] says which primary keeps what, [`topic`] what channels are called,
//! [`stream`] is the queue of what arrives; [`dial`] and [`backoff`] open connections, [`primary`]
//! is what is known of one primary, [`probes`] how it is tried out, and [`fleet`] all of them; then
//! one file for each port, and [`scripts`].

mod backoff;
mod bus;
mod counters;
mod dial;
mod fleet;
mod leases;
mod limiter;
mod primary;
mod probes;
mod publisher;
mod ring;
mod scripts;
mod stream;
mod subscriber;
mod topic;

use std::{collections::hash_map::RandomState, fmt, hash::BuildHasher, sync::Arc, time::Duration};

use chat_core::{
    memory::{ARRIVALS_MAX, LocalLimiter},
    port::{Arrival, Bus, Limiter},
};
use futures_util::future::join_all;
use presence::{Change, Leases, limits::CHANGES_MAX};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::counters::RedisCounters;
use self::{
    bus::RedisBus,
    counters::Counters,
    dial::Address,
    fleet::Fleet,
    leases::{RedisLeases, watch_leases},
    limiter::{RedisLimiter, TAKE_WITHIN},
    primary::{Primary, Shared},
    publisher::{HINTS_MAX, Publisher},
    ring::Ring,
    stream::Stream,
    subscriber::{ORDERS_MAX, Subscriber},
};

/// How long connecting waits for the primaries; then it goes on without those that are away.
const COME_UP_WITHIN: Duration = Duration::from_secs(2);

/// Where the primaries are.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisConfig {
    /// Their addresses: `redis://[user:password@]host:port[/db]` or `unix://path`, the same ones
    /// for all gateways, in any order.
    pub urls: Vec<String>,
}

/// Without the addresses, which may hold passwords.
impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig").field("urls", &self.urls.len()).finish()
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisConfigError {
    /// There is none.
    #[error("no redis primary is configured")]
    NoPrimary,
    /// It cannot be read.
    #[error("redis address number {number}: {reason}")]
    Address {
        /// Which one, from 1.
        number: usize,
        /// Why.
        reason: String,
    },
    /// It would get twice its share, and count as two.
    #[error("redis primary {0} is configured twice")]
    Twice(String),
}

/// How one primary is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryHealth {
    /// Its host and port.
    pub address: String,
    /// Whether it is connected, answers, and delivers what is published.
    pub is_up: bool,
}

/// One gateway's access to all primaries.
#[derive(Debug, Clone)]
pub struct Redis {
    fleet: Arc<Fleet>,
    /// One for all limiters: a key has one local bucket.
    local: Arc<LocalLimiter>,
}

impl Redis {
    /// Starts connecting, on tasks that end with `stop`. Waits for the primaries for a moment, but
    /// comes back also while they are away.
    pub async fn connect(
        config: &RedisConfig,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, RedisConfigError> {
        let addresses = addresses(config)?;
        let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let shared = Arc::new(Shared {
            arrivals: Stream::new(ARRIVALS_MAX, || Arrival::Lost),
            changes: Stream::new(CHANGES_MAX, || Change::Lost),
            counters: Counters::default(),
            probe: format!("probe:{:016x}", RandomState::new().hash_one(0)),
        });
        let start = |address| start(address, Arc::clone(&shared), tasks, &stop);
        let primaries: Vec<_> = addresses.into_iter().map(start).collect();
        let ring = Ring::new(names.iter().map(String::as_str));
        let fleet = Arc::new(Fleet { primaries, shared, ring });
        let up = join_all(fleet.primaries.iter().map(|primary| primary.up()));
        if timeout(COME_UP_WITHIN, up).await.is_err() {
            tracing::warn!("going on without all redis primaries");
        }
        Ok(Self { fleet, local: Arc::default() })
    }

    /// Hints between gateways.
    pub fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(RedisBus(Arc::clone(&self.fleet)))
    }

    /// Rate limits that all gateways share.
    pub fn limiter(&self) -> Arc<dyn Limiter> {
        self.limiter_within(TAKE_WITHIN)
    }

    /// As [`Self::limiter`], for those who can wait longer, or not as long, for a primary.
    pub fn limiter_within(&self, within: Duration) -> Arc<dyn Limiter> {
        let (fleet, local) = (Arc::clone(&self.fleet), Arc::clone(&self.local));
        Arc::new(RedisLimiter::new(fleet, local, within))
    }

    /// Leases of gateways, and the devices that hang on them.
    pub fn leases(&self) -> Arc<dyn Leases> {
        Arc::new(RedisLeases(Arc::clone(&self.fleet)))
    }

    /// How each primary is, in the order of the configuration.
    pub fn health(&self) -> Vec<PrimaryHealth> {
        let primaries = self.fleet.primaries.iter();
        primaries
            .map(|p| PrimaryHealth { address: p.address.to_string(), is_up: p.is_up() })
            .collect()
    }

    /// What has happened since the start.
    pub fn counters(&self) -> RedisCounters {
        self.fleet.shared.counters.read()
    }
}

fn addresses(config: &RedisConfig) -> Result<Vec<Address>, RedisConfigError> {
    let mut addresses: Vec<Address> = Vec::new();
    for (number, url) in (1..).zip(&config.urls) {
        let address =
            Address::parse(url).map_err(|reason| RedisConfigError::Address { number, reason })?;
        let name = address.to_string();
        if addresses.iter().any(|other| other.to_string() == name) {
            return Err(RedisConfigError::Twice(name));
        }
        addresses.push(address);
    }
    if addresses.is_empty() { Err(RedisConfigError::NoPrimary) } else { Ok(addresses) }
}

fn start(
    address: Address,
    shared: Arc<Shared>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Arc<Primary> {
    let (orders, orders_taken) = mpsc::channel(ORDERS_MAX);
    let (hints, hints_taken) = mpsc::channel(HINTS_MAX);
    let primary = Arc::new(Primary::new(address, shared, orders, hints));
    let subscriber = Subscriber::new(Arc::clone(&primary), orders_taken);
    let publisher = Publisher::new(Arc::clone(&primary), hints_taken);
    tasks.spawn(stop.clone().run_until_cancelled_owned(subscriber.run()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(publisher.run()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(watch_leases(Arc::clone(&primary))));
    primary
}
