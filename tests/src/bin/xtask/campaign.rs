//! `cargo xtask campaign`: many schedules of random faults on real processes.

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use tests::campaign::{self, Fault, Plan, Servers};

/// The schedules.
#[derive(Debug, Args)]
pub(crate) struct Campaign {
    /// Number of schedules
    #[arg(long, default_value_t = 20)]
    schedules: usize,
    /// Seed of the first schedule; those of the others follow it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which servers
    #[arg(long, value_enum, default_value_t = Which::Embedded)]
    servers: Which,
    /// Faults in each schedule
    #[arg(long, default_value_t = 6)]
    faults: usize,
    /// Make only this fault, such as "file damaged"
    #[arg(long)]
    only: Option<Fault>,
    /// Fewest texts that are acknowledged in each schedule
    #[arg(long, default_value_t = 3_500)]
    texts: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    /// One gateway with the embedded store
    Embedded,
    /// Three gateways with Redis and a CQL node
    Cluster,
    /// Three gateways with Redis and three CQL nodes
    Ring,
}

impl Campaign {
    /// Runs the schedules and prints the counts of each fault. Fails if a promise is broken.
    #[expect(clippy::print_stdout, reason = "the table")]
    pub(crate) async fn run(&self) -> Result<()> {
        let servers = match self.servers {
            Which::Embedded => Servers::Embedded,
            Which::Cluster => Servers::Cluster,
            Which::Ring => Servers::Ring,
        };
        let Self { schedules, seed, faults, only, texts, .. } = *self;
        let plan = Plan { servers, schedules, seed, faults, only, texts };
        let Some(report) = campaign::run(plan, |line| println!("{line}")).await? else {
            return Ok(());
        };
        println!("\n{}\n{} schedules: {report}", report.table(), report.schedules);
        let findings = report.findings;
        let lines: Vec<_> = findings.iter().take(20).map(String::as_str).collect();
        ensure!(findings.is_empty(), "{} violations:\n{}", findings.len(), lines.join("\n"));
        Ok(())
    }
}
