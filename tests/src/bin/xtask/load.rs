//! `cargo xtask load`: measures the memory of a connection and the time of a durable send. With
//! `--cluster`, it measures group commit on a CQL server.
//!
//! It uses loopback only, and its counts and times are bounded. The clients run on the same machine, so
//! the figures are lower bounds. Optimised clients take less of the machine:
//! `cargo run --release -p tests --bin xtask -- load`.

mod memory;
mod sends;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::Args;
use tests::{cassandra::Cassandra, gateway::Settings};

use crate::run::{MINUTE, allow_files, cargo, run, target};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// The binary to measure (default: the release build)
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Idle connections (0: skip this measurement)
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(..=20_000))]
    connections: u32,
    /// Users who share these connections equally
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    people: u32,
    /// Seconds for each line of sends (0: skip this measurement)
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=60))]
    seconds: u64,
    /// A further setting of the gateway, such as STORE=memory (may be given several times)
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Measure only appends a second on one Cassandra node, with and without group commit
    #[arg(long)]
    cluster: bool,
}

impl Load {
    /// Measures and prints tables.
    #[expect(clippy::print_stdout, reason = "the tables")]
    pub(crate) async fn run(&self) -> Result<()> {
        if self.cluster {
            return cluster().await;
        }
        let binary = self.binary.clone().unwrap_or_else(|| target().join("release/confab"));
        let hint = "`cargo build --release -p gateway` first";
        ensure!(binary.is_file(), "no {}: {hint}", binary.display());
        // The harness reads the addresses from lines at level `info`.
        let mut settings = Settings::new().set("LOG", "warn,confab=info");
        for setting in &self.set {
            let (name, value) = setting.split_once('=').context("--set NAME=VALUE")?;
            settings = settings.set(name, value);
        }
        if self.connections > 0 {
            allow_files(u64::from(self.connections) + 1_000)?;
            let (connections, people) = (self.connections, self.people.min(self.connections));
            let settings = settings.clone();
            println!("{}", memory::measure(&binary, settings, connections, people).await?);
        }
        if self.seconds > 0 {
            let time = Duration::from_secs(self.seconds);
            println!("{}", sends::measure(&binary, settings, time).await?);
            println!("The store alone:");
            run(&mut cargo("bench -p backends --bench embedded"), 20 * MINUTE).await?;
        }
        Ok(())
    }
}

/// Measures the fleet's store on a new server.
async fn cluster() -> Result<()> {
    let cassandra = Cassandra::to_measure().await?.context("no Cassandra")?;
    let mut bench = cargo("bench -p backends --bench scylla");
    run(bench.env("CONFAB_TEST_CQL", cassandra.nodes()), 20 * MINUTE).await
}
