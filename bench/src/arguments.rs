//! The command line.
//!
//! A sweep repeats a scenario with one parameter set to each of several values. It does so by parsing
//! the command line again with that parameter appended, so every parameter can be swept.

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, Error, Result};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{cores::Cores, scenario::Scenario};

/// Measures a Confab server on this machine, over loopback.
#[derive(Debug, Parser)]
#[command(name = "confab-bench", args_override_self = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    command: Command,
}

/// What to measure.
#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// The rows of docs/performance.md: deliveries and durable sends
    Standard,
    #[command(flatten)]
    Scenario(Scenario),
}

/// The scenarios of `standard`.
const STANDARD: [&str; 9] = [
    "deliver --members 1000",
    "deliver --members 1000 --waiting 16",
    "deliver --members 1000 --rate 20",
    "deliver --members 100",
    "deliver --members 100 --waiting 16",
    "send --waiting 1",
    "send --waiting 16",
    "send --waiting 64",
    "send --conversations 50",
];

/// Options of every scenario.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The server's binary (default: the release build)
    #[arg(long, global = true)]
    pub(crate) binary: Option<PathBuf>,
    /// The core of the server and the core of the clients, or `all`
    #[arg(long, global = true, default_value = "0,1")]
    pub(crate) cores: Cores,
    /// Measured seconds of each run
    #[arg(long, global = true, default_value_t = 5.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// Seconds of traffic before the measured ones
    #[arg(long, global = true, default_value_t = 1.0, value_parser = seconds)]
    pub(crate) warm_up: f64,
    /// A further setting of the server, such as EMBEDDED__JOURNAL=64MiB (may be given several times)
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<Setting>,
    /// The folder in which stores are made (default: the system's folder for temporary files)
    #[arg(long, global = true)]
    pub(crate) folder: Option<PathBuf>,
    /// Register users through the API, for stores other than the embedded one
    #[arg(long, global = true)]
    pub(crate) register: bool,
    /// Do not measure the floor
    #[arg(long, global = true)]
    pub(crate) no_floor: bool,
    /// Repeat the scenario for several values of a parameter, such as members=10,100,1000
    #[arg(long, global = true, value_name = "NAME=VALUES")]
    pub(crate) sweep: Option<Sweep>,
    /// Runs of each scenario. The medians are displayed
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) rounds: u32,
    /// Another binary to run in turns with the first one. The ratios are displayed
    #[arg(long, global = true, value_name = "BINARY")]
    pub(crate) against: Option<PathBuf>,
    /// Write the figures to this file as JSON
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Plot the sweep into this file
    #[arg(long, global = true, value_name = "FILE", requires = "sweep")]
    pub(crate) svg: Option<PathBuf>,
}

/// A setting of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Setting {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, value) = text.split_once('=').context("expected NAME=VALUE")?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// A parameter and the values that it takes in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sweep {
    pub(crate) parameter: String,
    pub(crate) values: Vec<String>,
}

impl FromStr for Sweep {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (parameter, values) = text.split_once('=').context("expected NAME=VALUE,VALUE,…")?;
        let values = values.split(',').map(str::to_owned).collect();
        Ok(Self { parameter: parameter.to_owned(), values })
    }
}

fn seconds(text: &str) -> Result<f64> {
    let seconds: f64 = text.parse()?;
    anyhow::ensure!((0.0..=600.0).contains(&seconds), "expected 0 to 600 seconds");
    Ok(seconds)
}

/// Parses a command line into its options and the scenarios to run: the standard ones, or one for
/// each value of a sweep.
pub(crate) fn parse(line: &[String]) -> Result<(Options, Vec<Scenario>), clap::Error> {
    let Arguments { options, command } = parse_once(line)?;
    let lines: Vec<Vec<String>> = match (&command, &options.sweep) {
        (Command::Scenario(scenario), None) => return Ok((options, vec![scenario.clone()])),
        (Command::Standard, _) => STANDARD.map(standard_line).into(),
        (Command::Scenario(_), Some(Sweep { parameter, values })) => {
            let repeat =
                |value: &String| [line, &[format!("--{parameter}"), value.clone()]].concat();
            values.iter().map(repeat).collect()
        }
    };
    let mut scenarios = Vec::new();
    for line in lines {
        if let Command::Scenario(scenario) = parse_once(&line)?.command {
            scenarios.push(scenario);
        }
    }
    Ok((options, scenarios))
}

fn standard_line(scenario: &str) -> Vec<String> {
    format!("confab-bench {scenario}").split(' ').map(str::to_owned).collect()
}

fn parse_once(line: &[String]) -> Result<Arguments, clap::Error> {
    let mut command = Arguments::command();
    // The last value of a parameter counts, which is the one of the sweep.
    command = command.mut_subcommands(|scenario| scenario.args_override_self(true));
    Arguments::from_arg_matches(&command.try_get_matches_from(line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<(Options, Vec<Scenario>), clap::Error> {
        let line: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        parse(&line)
    }

    #[test]
    fn options_are_accepted_before_and_after_the_scenario() {
        for line in [
            "confab-bench --seconds 2 --set A=b=c deliver --members 10",
            "confab-bench deliver --members 10 --seconds 2 --set A=b=c",
        ] {
            let (options, scenarios) = parse_text(line).unwrap();
            assert!((options.seconds - 2.0).abs() < f64::EPSILON);
            let setting = Setting { name: "A".to_owned(), value: "b=c".to_owned() };
            assert_eq!(options.set, [setting]);
            assert_eq!(scenarios.len(), 1);
        }
    }

    #[test]
    fn sweep_repeats_the_scenario_with_each_value() {
        let (_, scenarios) =
            parse_text("confab-bench deliver --members 7 --sweep members=10,100").unwrap();
        let shown: Vec<_> = scenarios.iter().map(|scenario| format!("{scenario:?}")).collect();
        assert_eq!(shown.len(), 2);
        assert!(
            shown[0].contains("members: 10,") && shown[1].contains("members: 100,"),
            "{shown:?}"
        );
    }

    #[test]
    fn standard_scenarios_are_valid() {
        let (options, scenarios) = parse_text("confab-bench standard --rounds 3").unwrap();
        assert_eq!((options.rounds, scenarios.len()), (3, STANDARD.len()));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for bad in [
            "confab-bench",
            "confab-bench deliver --members 1",
            "confab-bench deliver --waiting 2 --rate 3",
            "confab-bench deliver --sweep members=10,0",
            "confab-bench deliver --sweep nothing=1",
            "confab-bench deliver --sweep members",
            "confab-bench send --cores 1,1",
            "confab-bench send --seconds -1",
            "confab-bench send --set NAME",
            "confab-bench send --svg plot.svg",
            "confab-bench send --rounds 0",
        ] {
            assert!(parse_text(bad).is_err(), "{bad}");
        }
    }
}
