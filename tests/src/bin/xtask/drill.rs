//! `cargo xtask drill`: measures a fleet while its servers fail and come back.

use anyhow::{Result, ensure};
use clap::Args;
use tests::drill::{self, Report};

/// The servers that fail, and the load.
#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// Kill nodes of a three-node store instead of gateways, Redis and a one-node store
    #[arg(long)]
    store_nodes: bool,
    /// Texts a second
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    rate: u32,
}

impl Drill {
    /// Runs a drill and prints its table. Fails if a promise is broken.
    #[expect(clippy::print_stdout, reason = "the table")]
    pub(crate) async fn run(&self) -> Result<()> {
        let report = if self.store_nodes {
            drill::store_nodes(self.rate).await?
        } else {
            drill::servers(self.rate).await?
        };
        let Some(Report { table, checked, findings }) = report else { return Ok(()) };
        println!("{table}\nchecked: {checked}");
        let lines: Vec<_> = findings.iter().take(20).map(String::as_str).collect();
        ensure!(findings.is_empty(), "{} violations:\n{}", findings.len(), lines.join("\n"));
        println!("0 violations");
        Ok(())
    }
}
