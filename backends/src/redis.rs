//! Redis: hints between gateways, leases of presence, and rate limits, over independent primaries.
//!
//! What holds:
//! - Redis never holds the only copy of anything. A primary may lose all data, be slow or be down.
//!   Then hints are lost (and "lost" is reported), presence is unknown, and rate limits are local
//!   and stricter.
//! - A gateway starts without any primary and keeps trying to connect.
//! - Each primary has two connections: one receives ([`subscriber`]) and one sends ([`publisher`]).
//!   Both are checked twice a second, and the one must receive the probes that the other publishes.
//!   A silent connection is replaced. A primary that refuses writes is down, too.
//! - What arrives is untrusted: it is limited in size, and dropped and counted if it is malformed.
//!
//! In reading order: [`ring`] assigns names to primaries, [`topic`] names channels, [`arrivals`] is
//! the queue of what arrives; [`connection`] and [`backoff`] open connections, [`primary`] is the
//! state of one primary, [`probes`] prove that hints arrive, and [`primaries`] are all of them; then
//! one file for each port, [`scripts`] and [`metrics`].

mod arrivals;
mod backoff;
mod bus;
mod connection;
mod leases;
mod limiter;
mod metrics;
mod primaries;
mod primary;
mod probes;
mod publisher;
mod ring;
mod scripts;
mod subscriber;
mod topic;

use std::{collections::hash_map::RandomState, fmt, hash::BuildHasher, sync::Arc, time::Duration};

use chat_core::{
    memory::{ARRIVALS_MAX, LocalLimiter},
    port::{Arrival, Bus, Limiter},
};
use futures_util::future::{BoxFuture, join_all};
use presence::{Change, Leases, limits::CHANGES_MAX};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    arrivals::ArrivalQueue,
    bus::RedisBus,
    connection::{Address, TLS_SCHEME},
    leases::{RedisLeases, watch_ended_leases},
    limiter::{RedisLimiter, TAKE_WITHIN},
    metrics::RedisMetrics,
    primaries::Primaries,
    primary::{Primary, Shared},
    publisher::{HINTS_MAX, Publisher},
    subscriber::{REQUESTS_MAX, Subscriber},
};
pub use self::{ring::Ring, topic::channel_name};

use crate::tls::{TlsError, TlsFiles, client_config};

#[cfg(feature = "fuzzing")]
pub(crate) use self::{leases::readings, topic::Topic};

/// How long connecting waits for the primaries. Then the gateway starts without those that are down.
const STARTUP_WITHIN: Duration = Duration::from_secs(2);

/// The addresses of the primaries.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisConfig {
    /// `redis://[user:password@]host:port[/db]`, `rediss://…` for TLS, or `unix://path`. All gateways
    /// must have the same addresses, in any order.
    pub urls: Vec<String>,
    /// For the addresses with TLS.
    pub tls: TlsFiles,
}

/// Omits the addresses, which may contain passwords.
impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut config = f.debug_struct("RedisConfig");
        config.field("urls", &self.urls.len()).field("tls", &self.tls).finish()
    }
}

/// The configuration is not usable.
#[derive(Debug, thiserror::Error)]
pub enum RedisConfigError {
    /// There is no address.
    #[error("no redis primary is configured")]
    NoPrimary,
    /// An address is malformed.
    #[error("redis address number {number}: {reason}")]
    Address {
        /// Its position, from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An address is listed twice. Its primary would get twice its share.
    #[error("redis primary {0} is configured twice")]
    Twice(String),
    /// A file for TLS is not usable.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// One gateway's access to all primaries.
#[derive(Debug, Clone)]
pub struct Redis {
    primaries: Arc<Primaries>,
    /// Shared by all limiters, so that a key has one local bucket.
    local_limiter: Arc<LocalLimiter>,
}

impl Redis {
    /// Starts to connect, on tasks that end with `stop`. Waits for the primaries for two seconds,
    /// then returns even if they are down. Metrics go to the recorder that is installed now.
    pub fn connect<'a>(
        config: &'a RedisConfig,
        tasks: &'a TaskTracker,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<Self, RedisConfigError>> {
        Box::pin(Self::connect_now(config, tasks, stop))
    }

    async fn connect_now(
        config: &RedisConfig,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, RedisConfigError> {
        let mut addresses: Vec<Address> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let has_tls = config.urls.iter().any(|url| url.starts_with(TLS_SCHEME));
        let tls = if has_tls { Some(client_config(&config.tls)?) } else { None };
        for (number, url) in (1..).zip(&config.urls) {
            let address = Address::parse(url, tls.as_ref())
                .map_err(|reason| RedisConfigError::Address { number, reason })?;
            let name = address.to_string();
            if names.contains(&name) {
                return Err(RedisConfigError::Twice(name));
            }
            addresses.push(address);
            names.push(name);
        }
        if addresses.is_empty() {
            return Err(RedisConfigError::NoPrimary);
        }
        let shared = Arc::new(Shared {
            hints: ArrivalQueue::new(ARRIVALS_MAX, || Arrival::Lost),
            changes: ArrivalQueue::new(CHANGES_MAX, || Change::Lost),
            metrics: RedisMetrics::new(),
            probe_channel: format!("probe:{:016x}", RandomState::new().hash_one(0)),
        });
        let start = |address| start(address, Arc::clone(&shared), tasks, &stop);
        let all: Vec<_> = addresses.into_iter().map(start).collect();
        let ring = Ring::new(names.iter().map(String::as_str));
        let primaries = Arc::new(Primaries { all, shared, ring });
        let all_up = join_all(primaries.all.iter().map(|primary| primary.wait_until_up()));
        if timeout(STARTUP_WITHIN, all_up).await.is_err() {
            tracing::warn!("starting while redis primaries are down");
        }
        Ok(Self { primaries, local_limiter: Arc::default() })
    }

    /// Returns the bus: hints between gateways.
    pub fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(RedisBus(Arc::clone(&self.primaries)))
    }

    /// Returns the rate limits that all gateways share.
    pub fn limiter(&self) -> Arc<dyn Limiter> {
        self.limiter_within(TAKE_WITHIN)
    }

    /// Like [`Self::limiter`], with another timeout of a primary's answer.
    pub fn limiter_within(&self, within: Duration) -> Arc<dyn Limiter> {
        let (primaries, local) = (Arc::clone(&self.primaries), Arc::clone(&self.local_limiter));
        Arc::new(RedisLimiter::new(primaries, local, within))
    }

    /// Returns the leases of gateways and the devices published under them.
    pub fn leases(&self) -> Arc<dyn Leases> {
        Arc::new(RedisLeases(Arc::clone(&self.primaries)))
    }
}

fn start(
    address: Address,
    shared: Arc<Shared>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Arc<Primary> {
    let (requests, request_receiver) = mpsc::channel(REQUESTS_MAX);
    let (hints, hint_receiver) = mpsc::channel(HINTS_MAX);
    let primary = Arc::new(Primary::new(address, shared, requests, hints));
    let subscriber = Subscriber::new(Arc::clone(&primary), request_receiver);
    let publisher = Publisher::new(Arc::clone(&primary), hint_receiver);
    tasks.spawn(stop.clone().run_until_cancelled_owned(subscriber.run()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(publisher.run()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(watch_ended_leases(Arc::clone(&primary))));
    primary
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
