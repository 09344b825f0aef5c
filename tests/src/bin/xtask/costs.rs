//! `cargo xtask costs`: measures the processor time that each process of a fleet spends on a step.
//!
//! Two gateways run on one Cassandra node and one Redis, all on loopback. Pairs of users with one
//! direct conversation each are connected to different gateways. Each step is repeated at a fixed
//! rate, and its cost is the processor time above that of the idle fleet. The clients wait for
//! every reply and every event, so a step that is lost fails the measurement.

mod pairs;
mod redis;

use std::{ops::Sub, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::Args;
use tests::cluster::Cluster;
use tokio::time::{Instant, sleep};

use self::pairs::{Pairs, Step};

/// How often a gateway compares the heads of its live conversations with the store, on average.
const COMPARES_A_SECOND: f64 = 1.0 / 4.56;
/// Time for connections and caches to settle before something is measured.
const SETTLE: Duration = Duration::from_secs(10);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Costs {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// Steps a second
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(20..=2_000))]
    rate: u32,
    /// Pairs of users
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=200))]
    pairs: u32,
    /// Idle conversations whose heads are compared with the store
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=9_000))]
    conversations: u32,
    /// Measure Redis only
    #[arg(long)]
    redis: bool,
}

/// Processor seconds of each process.
#[derive(Debug, Clone, Copy, Default)]
struct Seconds {
    near: f64,
    far: f64,
    redis: f64,
    cassandra: f64,
}

impl Seconds {
    fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self {
            near: change(self.near),
            far: change(self.far),
            redis: change(self.redis),
            cassandra: change(self.cassandra),
        }
    }
}

impl Seconds {
    const fn swapped(self) -> Self {
        Self { near: self.far, far: self.near, ..self }
    }
}

impl Sub for Seconds {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            near: self.near - earlier.near,
            far: self.far - earlier.far,
            redis: self.redis - earlier.redis,
            cassandra: self.cassandra - earlier.cassandra,
        }
    }
}

impl Costs {
    /// Measures and prints a table.
    #[expect(clippy::print_stdout, reason = "the table")]
    pub(crate) async fn run(&self) -> Result<()> {
        println!("{}", redis::measure(self.time()).await?);
        if self.redis {
            return Ok(());
        }
        let mut cluster = Cluster::to_measure(2).await?.context("no Cassandra or Redis")?;
        let mut pairs = Pairs::connect(&cluster, self.pairs).await?;
        println!(
            "| step | steps a second | gateway that acts, µs | other gateway, µs | Redis, µs \
             | Cassandra, µs |\n|---|---:|---:|---:|---:|---:|"
        );
        // The store's JVM compiles its hot code meanwhile.
        pairs.repeat(Step::Send, self.rate, self.time() * 2).await?;
        pairs.rest(SETTLE).await?;
        let idle = used_each_second(&mut cluster, pairs.rest(self.time())).await?;
        for step in Step::ALL {
            self.measure_step(step, idle, &mut cluster, &mut pairs).await?;
        }
        self.measure_comparing(&mut cluster, &mut pairs).await?;
        print_stored(&mut cluster, pairs.sent()).await
    }

    const fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    async fn measure_step(
        &self,
        step: Step,
        idle: Seconds,
        cluster: &mut Cluster,
        pairs: &mut Pairs,
    ) -> Result<()> {
        let begun = Instant::now();
        let mut count = 0;
        let busy = used_each_second(cluster, async {
            count = pairs.repeat(step, self.rate, self.time()).await?;
            Ok(())
        });
        let used = busy.await? - idle;
        let rate = f64::from(count) / begun.elapsed().as_secs_f64();
        print_row(step.name(), rate, if step.is_far() { used.swapped() } else { used });
        Ok(())
    }

    /// Measures what idle conversations cost: their heads are compared with the store.
    #[expect(clippy::print_stdout, reason = "the table")]
    async fn measure_comparing(&self, cluster: &mut Cluster, pairs: &mut Pairs) -> Result<()> {
        pairs.rest(SETTLE).await?;
        let idle = used_each_second(cluster, pairs.rest(self.time())).await?;
        let before = cluster.gateways[0].process().resident_bytes()?;
        pairs.add_idle_conversations(self.conversations).await?;
        pairs.rest(SETTLE).await?;
        let after = cluster.gateways[0].process().resident_bytes()?;
        let compared = used_each_second(cluster, pairs.rest(self.time())).await?;
        let rate = f64::from(self.conversations) * COMPARES_A_SECOND;
        print_row("compare a head", rate, compared - idle);
        let bytes = after.saturating_sub(before) / u64::from(self.conversations);
        println!("\nA live conversation: {bytes} bytes of the gateway's memory");
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "the table")]
fn print_row(name: &str, rate: f64, used: Seconds) {
    let Seconds { near, far, redis, cassandra } = used.map(|seconds| seconds / rate * 1e6);
    println!("| {name} | {rate:.0} | {near:.0} | {far:.0} | {redis:.1} | {cassandra:.0} |");
}

/// Restarts Cassandra, which then writes its commit log into tables, and prints the bytes of a text.
#[expect(clippy::print_stdout, reason = "the table")]
async fn print_stored(cluster: &mut Cluster, sent: u64) -> Result<()> {
    cluster.cassandra.restart(1).await?;
    sleep(SETTLE).await;
    let bytes = cluster.cassandra.stored_bytes(1, "confab", "log")?;
    println!(
        "A text of {} bytes with a client id of {}: {} bytes of the table log ({sent} texts, {bytes} bytes)",
        pairs::TEXT_BYTES,
        pairs::CLIENT_ID_BYTES,
        bytes / sent.max(1)
    );
    Ok(())
}

/// Returns the processor seconds that each process uses in a second while this runs.
async fn used_each_second(
    cluster: &mut Cluster,
    work: impl Future<Output = Result<()>>,
) -> Result<Seconds> {
    let before = used(cluster)?;
    let begun = Instant::now();
    work.await?;
    let elapsed = begun.elapsed().as_secs_f64();
    ensure!(elapsed > 0.0, "nothing was measured");
    Ok((used(cluster)? - before).map(|seconds| seconds / elapsed))
}

fn used(cluster: &mut Cluster) -> Result<Seconds> {
    let [near, far] = cluster.gateways.as_mut_slice() else { anyhow::bail!("two gateways") };
    Ok(Seconds {
        near: near.process().processor_time()?.as_secs_f64(),
        far: far.process().processor_time()?.as_secs_f64(),
        redis: cluster.redis.process().processor_time()?.as_secs_f64(),
        cassandra: cluster.cassandra.node(1)?.processor_time()?.as_secs_f64(),
    })
}
