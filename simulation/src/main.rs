//! `simulate`: runs seeds, and prints those that break a promise.

use std::{process::ExitCode, thread};

use anyhow::Result;
use clap::Parser;
use simulation::{plan::Plan, regions, run::run};

/// Run seeds and print those that break a promise.
#[derive(Debug, Clone, Parser)]
struct Arguments {
    /// How many seeds to run
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Operations of a run
    #[arg(long, default_value_t = 500)]
    ops: u64,
    /// Run one gateway with the embedded store, which is killed and opened again
    #[arg(long)]
    embedded: bool,
    /// Run the model of two regions instead: ops are the texts of each of its clients
    #[arg(long)]
    regions: bool,
    /// A defect to switch on
    #[cfg(feature = "planted-bugs")]
    #[arg(long)]
    bug: Option<String>,
}

impl Arguments {
    #[cfg(feature = "planted-bugs")]
    fn plant(&self) -> Result<()> {
        use anyhow::Context;
        use chat_core::planted::{Bug, plant};
        let Some(name) = &self.bug else { return Ok(()) };
        let bug = Bug::ALL.iter().find(|bug| bug.name() == name);
        plant(Some(*bug.with_context(|| format!("no bug is called {name}"))?));
        Ok(())
    }

    #[cfg(not(feature = "planted-bugs"))]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "fails with the feature planted-bugs"
    )]
    const fn plant(&self) -> Result<()> {
        Ok(())
    }

    fn command(&self, seed: u64) -> String {
        #[cfg(feature = "planted-bugs")]
        let bug = self.bug.as_ref().map(|bug| format!(" --bug {bug}")).unwrap_or_default();
        #[cfg(not(feature = "planted-bugs"))]
        let bug = "";
        let embedded = if self.embedded { " --embedded" } else { "" };
        format!("cargo xtask simulate --seed {seed} --ops {}{embedded}{bug}", self.ops)
    }

    /// Runs one seed. Returns false if it breaks a promise.
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn run(&self, seed: u64) -> Result<bool> {
        if self.regions {
            let (counts, violations) = regions::run::run(seed, self.ops, None)?;
            if self.seeds == 1 || !violations.is_empty() {
                println!("seed {seed}: {violations:?} {counts:?}");
            }
            return Ok(violations.is_empty());
        }
        let plan = if self.embedded { Plan::embedded } else { Plan::new };
        let outcome = run(plan(seed, self.ops))?;
        if self.seeds == 1 {
            println!("{:?}\n{}", outcome.plan, checker::summary(&outcome.history));
        }
        let is_correct = outcome.findings.is_empty();
        if !is_correct {
            println!("{}: {} violations", self.command(seed), outcome.findings.len());
            outcome.findings.iter().take(5).for_each(|finding| println!("  {finding}"));
        }
        Ok(is_correct)
    }

    /// Runs every `step`th seed from `first` on, and returns how many break a promise.
    fn run_share(&self, first: u64, step: u64) -> Result<u64> {
        self.plant()?;
        let mut failed = 0;
        for nth in (first..self.seeds).step_by(usize::try_from(step)?) {
            failed += u64::from(!self.run(self.seed + nth)?);
        }
        Ok(failed)
    }
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let failed: Result<u64> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn({
                    let arguments = &arguments;
                    move || arguments.run_share(first, threads)
                })
            })
            .collect();
        let joined = running
            .into_iter()
            .map(|share| share.join().map_err(|_| anyhow::anyhow!("a run panicked"))?);
        joined.sum()
    });
    let failed = failed?;
    println!("{} seeds from {}: {failed} failed", arguments.seeds, arguments.seed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
