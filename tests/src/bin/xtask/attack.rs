//! `cargo xtask attack`: attacks a release build, and measures what other users notice of it.
//!
//! It uses loopback only, and its rates, counts and durations are bounded. Attackers and other users
//! run on the gateway's machine, so latencies are upper bounds.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::Args;
use tests::{
    Value,
    attack::{Outcome, Plan, Scenario, attack, table},
};
use tokio::task::JoinSet;

use crate::run::{allow_files, target};

/// Descriptors that the largest attack needs.
const FILES: u64 = 8_000;

/// Which attacks, and how long.
#[derive(Debug, Args)]
pub(crate) struct Attack {
    /// Run only this attack (may be repeated)
    #[arg(long, value_name = "NAME", value_parser = Scenario::named)]
    only: Vec<Scenario>,
    /// Seconds of each attack
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(3..=120))]
    seconds: u64,
    /// Seconds without requests before the memory at rest is read
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(..=600))]
    rest: u64,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The binary to attack (default: the release build)
    #[arg(long)]
    binary: Option<PathBuf>,
}

impl Attack {
    /// Runs the attacks one after the other and prints a table. Fails if a goal is missed.
    #[expect(clippy::print_stdout, reason = "the table")]
    pub(crate) async fn run(&self) -> Result<()> {
        let binary = self.binary.clone().unwrap_or_else(|| target().join("release/confab"));
        let hint = "`cargo build --release --bin confab` first";
        ensure!(binary.is_file(), "no {}: {hint}", binary.display());
        allow_files(FILES)?;
        let scenarios = if self.only.is_empty() { &Scenario::ALL[..] } else { &self.only };
        let plan = Plan::full(Duration::from_secs(self.seconds), Duration::from_secs(self.rest));
        // A gateway rests while the next one is attacked.
        let mut resting = JoinSet::new();
        let mut failures = Vec::new();
        for &scenario in scenarios {
            println!("{} …", scenario.name());
            match attack(&binary, scenario, plan).await {
                Ok(attacked) => drop(resting.spawn(attacked.rested())),
                Err(failure) => failures.push(format!("{failure:#}")),
            }
        }
        let mut outcomes = Vec::new();
        for rested in resting.join_all().await {
            match rested {
                Ok(outcome) => outcomes.push(outcome),
                Err(failure) => failures.push(format!("{failure:#}")),
            }
        }
        outcomes.sort_by_key(|outcome| Scenario::ALL.iter().position(|s| *s == outcome.scenario));
        println!("\n{}", table(&outcomes));
        self.save(&outcomes)?;
        ensure!(failures.is_empty(), "{}", failures.join("\n"));
        let missed = outcomes.iter().filter(|outcome| !outcome.missed().is_empty()).count();
        ensure!(missed == 0, "{missed} of {} attacks missed a goal", outcomes.len());
        Ok(())
    }

    fn save(&self, outcomes: &[Outcome]) -> Result<()> {
        let Some(path) = &self.json else { return Ok(()) };
        let figures: Value = outcomes.iter().map(Outcome::json).collect();
        fs::write(path, format!("{figures:#}\n")).with_context(|| format!("{}", path.display()))
    }
}
