//! `cargo xtask drill`: what a fleet does while its servers go and come back, in figures.

use anyhow::{Result, ensure};
use clap::Args;
use tests::drill::{self, Report};

/// Which servers go, and what the load is.
#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// Take away nodes of a store of three instead of gateways, Redis and a store of one
    #[arg(long)]
    store_nodes: bool,
    /// Texts a second
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    rate: u32,
}

impl Drill {
    /// Runs and prints the table; a broken promise is an error.
    #[expect(clippy::print_stdout, reason = "the table")]
    pub(crate) async fn run(&self) -> Result<()> {
        let report = if self.store_nodes {
            drill::store_nodes(self.rate).await?
        } else {
            drill::servers(self.rate).await?
        };
        let Some(Report { table, checked, findings }) = report else { return Ok(()) };
        println!("{table}\nchecked: {checked}");
        let shown: Vec<_> = findings.iter().take(20).map(String::as_str).collect();
        ensure!(findings.is_empty(), "{} violations:\n{}", findings.len(), shown.join("\n"));
        println!("0 violations");
        Ok(())
    }
}
