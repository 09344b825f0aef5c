//! Tests of the Redis backends: the contracts of the bus, the limiter and the leases on one primary
//! and on two, and their behaviour while primaries fail.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

#[path = "redis/bus_faults.rs"]
mod bus_faults;
#[path = "redis/certificates.rs"]
mod certificates;
#[path = "redis/gateways.rs"]
mod gateways;
#[path = "redis/leases_faults.rs"]
mod leases_faults;
#[path = "redis/limiter_faults.rs"]
mod limiter_faults;
#[path = "redis/proxy.rs"]
mod proxy;
#[path = "redis/recorder.rs"]
mod recorder;
#[path = "redis/refused_writes.rs"]
mod refused_writes;
#[path = "redis/server.rs"]
mod server;
#[path = "redis/tls.rs"]
mod tls;

use std::{
    ops::AsyncFnMut,
    sync::{Arc, LazyLock},
    time::Duration,
};

use backends::redis::Redis;
use chat_core::{
    id::Snowflake,
    memory::{LocalLimiter, MemoryHub},
    port::{Bus, Limiter},
    time::{Clock, SystemClock},
};
use presence::Leases;
use tokio::time::{Instant, sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{gateways::Gateways, server::Server};

/// Waits until the condition holds.
async fn eventually(what: &str, within: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !condition().await {
        assert!(Instant::now() < deadline, "timed out: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// The tests share a clock, so that no two of them make the same id.
static CLOCK: LazyLock<SystemClock> =
    LazyLock::new(|| SystemClock::new(u16::try_from(std::process::id() % 1_024).unwrap()));

/// Returns an id that no other test has.
fn fresh<Id: From<Snowflake>>() -> Id {
    Id::from(CLOCK.fresh_id())
}

/// The gateways and servers of a test. `None` if there is no server; the test then runs on memory.
type Guard = Option<(Gateways, Vec<Server>)>;

async fn open(primaries: usize) -> Guard {
    let servers = Server::start_many(primaries).await?;
    Some((Gateways::connect(&servers, 2).await, servers))
}

async fn buses(primaries: usize) -> (Guard, Vec<Arc<dyn Bus>>) {
    let guard = open(primaries).await;
    let memory = MemoryHub::new();
    let buses = match &guard {
        Some((gateways, _)) => gateways.all.iter().map(Redis::bus).collect(),
        None => (0..2).map(|_| Arc::new(memory.bus()) as Arc<dyn Bus>).collect(),
    };
    (guard, buses)
}

/// Returns limiters with a long timeout, so that a busy machine does not make limits local.
async fn limiters(primaries: usize) -> (Guard, Vec<Arc<dyn Limiter>>) {
    let guard = open(primaries).await;
    let memory: Arc<dyn Limiter> = Arc::<LocalLimiter>::default();
    let limiter = |redis: &Redis| redis.limiter_within(Duration::from_secs(5));
    let limiters = match &guard {
        Some((gateways, _)) => gateways.all.iter().map(limiter).collect(),
        None => vec![Arc::clone(&memory), memory],
    };
    (guard, limiters)
}

async fn leases(primaries: usize) -> (Guard, Vec<Arc<dyn Leases>>) {
    let guard = open(primaries).await;
    let memory = presence::memory::LeaseHub::start(&TaskTracker::new(), CancellationToken::new());
    let leases = match &guard {
        Some((gateways, _)) => gateways.all.iter().map(Redis::leases).collect(),
        None => (0..2).map(|_| Arc::new(memory.leases()) as Arc<dyn Leases>).collect(),
    };
    (guard, leases)
}

/// Runs the contracts on this number of primaries.
macro_rules! contracts {
    ($module:ident, $primaries:literal) => {
        mod $module {
            use super::*;

            mod bus {
                use super::*;

                async fn open() -> (Guard, Vec<Arc<dyn Bus>>) {
                    buses($primaries).await
                }

                chat_core::bus_contract!(open);
            }

            mod limiter {
                use super::*;

                async fn open() -> (Guard, Vec<Arc<dyn Limiter>>) {
                    limiters($primaries).await
                }

                chat_core::limiter_contract!(open);
            }

            mod leases {
                use super::*;

                async fn open() -> (Guard, Vec<Arc<dyn Leases>>) {
                    leases($primaries).await
                }

                presence::leases_contract!(open);
            }
        }
    };
}

contracts!(one_primary, 1);
contracts!(two_primaries, 2);
