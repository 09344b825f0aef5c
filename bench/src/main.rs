//! `confab-bench`: measures a Confab server.
//!
//! It starts the server's binary on one core, connects lean clients on another one, and reports what
//! the server's process used, next to the floor: what bare system calls cost for the same work.
//! Every acknowledgement and every delivery is counted, and a missing or extra one fails the run.
//! README.md explains the scenarios and the figures.

mod arguments;
mod calls;
mod chance;
mod compare;
mod conversations;
mod cores;
mod event;
mod floor;
mod frame;
mod http;
mod latencies;
mod logs;
mod opening;
mod outcome;
mod progress;
mod readers;
mod report;
mod scenario;
mod seed;
mod server;
mod sockets;
mod traffic;
mod usage;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use self::{
    arguments::Options,
    outcome::Outcome,
    progress::Progress,
    report::{plot, table},
    scenario::{Conditions, Scenario},
    server::Launch,
};

fn main() -> Result<ExitCode> {
    let line: Vec<String> = env::args().collect();
    if let [_, command, numbers @ ..] = line.as_slice()
        && command == floor::WRITER
    {
        allow_files()?;
        let numbers: Vec<usize> = numbers.iter().map(|n| n.parse()).collect::<Result<_, _>>()?;
        let [sockets, frame_bytes, frames] = numbers[..] else { return Ok(ExitCode::FAILURE) };
        floor::write_rounds(sockets, frame_bytes, frames)?;
        return Ok(ExitCode::SUCCESS);
    }
    match arguments::parse(&line) {
        Ok((options, scenarios)) => {
            measure(&options, &scenarios)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => error.exit(),
    }
}

#[expect(clippy::print_stdout, reason = "the tables")]
fn measure(options: &Options, scenarios: &[Scenario]) -> Result<()> {
    allow_files()?;
    let this = launch(options, options.binary.clone().map_or_else(release_binary, Ok)?)?;
    let other = options.against.clone().map(|binary| launch(options, binary)).transpose()?;
    // Before this thread moves: the count of cores is that of its own affinity.
    let machine = format!("{}, server on {}", usage::machine(), options.cores.of_server());
    options.cores.move_to_clients()?;
    println!("{machine}\n");
    let rounds = usize::try_from(options.rounds)?;
    let progress = Progress::new(scenarios.len() * rounds * if other.is_some() { 2 } else { 1 })?;
    let mut outcomes = Vec::new();
    for scenario in scenarios {
        let (these, pairs) = rounds_of(scenario, options, &progress, &this, other.as_ref())?;
        if !pairs.is_empty() {
            println!("{}", compare::render(&pairs));
        }
        outcomes.extend(compare::medians(&these));
    }
    drop(progress);
    if other.is_none() {
        println!("{}", table::render(&outcomes));
    }
    if let Some(path) = &options.json {
        write_json(path, &machine, options, &outcomes)?;
    }
    if let Some((path, sweep)) = options.svg.as_ref().zip(options.sweep.as_ref()) {
        plot::write(path, &sweep.parameter, &sweep.values, &outcomes)?;
    }
    Ok(())
}

/// The outcomes of one build, and the pairs of both if there are two.
type Rounds = (Vec<Outcome>, Vec<(Outcome, Outcome)>);

/// Runs a scenario in rounds. Two builds run in turns, and each round starts with the other one, so
/// that a machine that becomes slower favours neither.
fn rounds_of(
    scenario: &Scenario,
    options: &Options,
    progress: &Progress,
    this: &Launch,
    other: Option<&Launch>,
) -> Result<Rounds> {
    let run = |launch: &Launch| {
        let conditions = Conditions {
            launch,
            time: Duration::from_secs_f64(options.seconds),
            warm_up: Duration::from_secs_f64(options.warm_up),
            floor: !options.no_floor,
            progress,
        };
        let outcome = scenario.run(&conditions)?;
        progress.step();
        Ok::<_, anyhow::Error>(outcome)
    };
    let (mut these, mut pairs) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let Some(other) = other else {
            these.push(run(this)?);
            continue;
        };
        let (mine, theirs) = if round.is_multiple_of(2) {
            let mine = run(this)?;
            (mine, run(other)?)
        } else {
            let theirs = run(other)?;
            (run(this)?, theirs)
        };
        these.push(mine.clone());
        pairs.push((mine, theirs));
    }
    Ok((these, pairs))
}

fn launch(options: &Options, binary: PathBuf) -> Result<Launch> {
    ensure!(binary.is_file(), "no {}: cargo build --release -p gateway", binary.display());
    Ok(Launch {
        binary,
        cores: options.cores,
        settings: options.set.iter().map(|one| (one.name.clone(), one.value.clone())).collect(),
        folder: options.folder.clone().unwrap_or_else(env::temp_dir),
        register: options.register,
    })
}

/// Returns the release build in the target folder that contains this program.
fn release_binary() -> Result<PathBuf> {
    let this = env::current_exe()?;
    let target = this.ancestors().nth(2).context("this program has no target folder")?;
    Ok(target.join("release/confab"))
}

fn write_json(path: &Path, machine: &str, options: &Options, outcomes: &[Outcome]) -> Result<()> {
    let value = json!({
        "machine": machine,
        "seconds": options.seconds,
        "outcomes": outcomes,
    });
    let text = serde_json::to_string_pretty(&value)? + "\n";
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// Raises the number of open files to the allowed one. The server inherits it.
fn allow_files() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}
