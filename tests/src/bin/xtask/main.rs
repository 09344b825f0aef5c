//! `cargo xtask`: the project's own commands.
//!
//! `cargo xtask test` is the one test command, for people and for CI; `cargo xtask check` is its
//! quick part. Steps that do not need each other all run, so that one run shows every failure.

mod run;
mod steps;
mod tools;
mod web;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::steps::{CHECK, Step, TEST};

/// The commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Formatting, lints, all tests of Rust and of the web client, and two real browsers
    Test(Choice),
    /// The quick part: formatting, lints, the domain's tests, the house rules
    Check(Choice),
}

/// Which steps.
#[derive(Debug, Args)]
struct Choice {
    /// Only this step (may be given several times)
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Name the steps and end
    #[arg(long)]
    list: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<std::process::ExitCode> {
    let Arguments { command } = Arguments::parse();
    let (steps, choice) = match &command {
        Command::Test(choice) => (TEST, choice),
        Command::Check(choice) => (CHECK, choice),
    };
    if choice.list {
        steps::list(steps);
        return Ok(std::process::ExitCode::SUCCESS);
    }
    let steps = Step::choose(steps, &choice.only)?;
    Ok(steps::all(&steps).await)
}
