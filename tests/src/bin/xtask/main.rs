//! `cargo xtask`: the project's own commands.
//!
//! `cargo xtask test` is the one test command, for people and for CI, and `cargo xtask check` is its
//! quick part. A failed step does not stop independent steps, so that one run reports every failure.

mod attack;
mod autobahn;
mod campaign;
mod costs;
mod drill;
mod fuzz;
mod load;
mod run;
mod schema;
mod steps;
mod tools;
mod web;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::{
    run::{MINUTE, cargo, run, target},
    steps::{CHECK, Step, TEST},
};

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
    /// Measure the release build: memory of a connection, durable sends a second
    Load(load::Load),
    /// Measure the release build with confab-bench, whose arguments follow (bench/README.md)
    Bench(Bench),
    /// Simulate gateways, clients and faults from seeds: --seeds N, --seed S, --ops N, --bug NAME,
    /// --regions
    Simulate(Simulate),
    /// Count hints, subscriptions and reads of simulated fleets, beside what the capacity model predicts
    CapacityCheck,
    /// Call a gateway at random by its own schema, with schemathesis
    Schema(schema::Schema),
    /// Write docs/openapi.json and docs/asyncapi.json as the gateway serves them, and the SDK's types
    Describe,
    /// Kill and pause servers of a fleet under load: three gateways, Redis and Cassandra
    Drill(drill::Drill),
    /// Make random faults in schedules from seeds on real processes, and check what clients saw
    Campaign(campaign::Campaign),
    /// Measure the processor time that gateways, Redis and Cassandra spend on each step of a message
    Costs(costs::Costs),
    /// Attack the release build on loopback, and measure what other users notice
    Attack(attack::Attack),
    /// Invent inputs for the parsers, and check what must hold for any input (fuzz/README.md)
    Fuzz(fuzz::Fuzz),
    /// Run Autobahn's WebSocket cases against the gateway's frames; needs CPython 2.7
    Autobahn,
}

/// The steps to run.
#[derive(Debug, Args)]
struct Choice {
    /// Run only this step (may be repeated)
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// List the steps and exit
    #[arg(long)]
    list: bool,
}

/// The arguments of confab-bench.
#[derive(Debug, Args)]
struct Bench {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// The arguments of simulate.
#[derive(Debug, Args)]
struct Simulate {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let Arguments { command } = Arguments::parse();
    match command {
        Command::Test(choice) => choice.run(TEST).await,
        Command::Check(choice) => choice.run(CHECK).await,
        Command::Attack(attack) => attack.run().await.map(|()| ExitCode::SUCCESS),
        Command::Campaign(campaign) => campaign.run().await.map(|()| ExitCode::SUCCESS),
        Command::Fuzz(fuzz) => fuzz.run().await.map(|()| ExitCode::SUCCESS),
        Command::Autobahn => Ok(steps::all(&[Step::Autobahn]).await),
        Command::Schema(schema) => schema.run().await.map(|()| ExitCode::SUCCESS),
        Command::Describe => schema::describe().await.map(|()| ExitCode::SUCCESS),
        Command::Drill(drill) => drill.run().await.map(|()| ExitCode::SUCCESS),
        Command::CapacityCheck => capacity_check().await.map(|()| ExitCode::SUCCESS),
        Command::Costs(costs) => costs.run().await.map(|()| ExitCode::SUCCESS),
        Command::Bench(bench) => bench.run().await.map(|()| ExitCode::SUCCESS),
        Command::Simulate(simulate) => simulate.run().await.map(|()| ExitCode::SUCCESS),
        Command::Load(load) => load.run().await.map(|()| ExitCode::SUCCESS),
    }
}

impl Choice {
    async fn run(self, steps: &[Step]) -> Result<ExitCode> {
        if self.list {
            steps::list(steps);
            return Ok(ExitCode::SUCCESS);
        }
        Ok(steps::all(&Step::choose(steps, &self.only)?).await)
    }
}

/// Runs the counts in one thread, so that their tables are printed one after the other.
async fn capacity_check() -> Result<()> {
    let counts = "test -p simulation --test fleet_counts -- --nocapture --test-threads 1";
    run(&mut cargo(counts), 40 * MINUTE).await
}

impl Bench {
    async fn run(self) -> Result<()> {
        run(&mut cargo("build --release -p gateway -p bench"), 20 * MINUTE).await?;
        let mut bench = tokio::process::Command::new(target().join("release/confab-bench"));
        run(bench.args(self.arguments), 60 * MINUTE).await
    }
}

impl Simulate {
    /// Builds the simulation with planted bugs only if one is asked for.
    async fn run(self) -> Result<()> {
        let plants = self.arguments.iter().any(|argument| argument.starts_with("--bug"));
        let features = if plants { "--features planted-bugs" } else { "" };
        let build = format!("build --release -p simulation --bin simulate {features}");
        run(&mut cargo(&build), 20 * MINUTE).await?;
        let mut simulate = tokio::process::Command::new(target().join("release/simulate"));
        run(simulate.args(self.arguments), 24 * 60 * MINUTE).await
    }
}
