//! `confab capacity`: prints how many machines a number of users needs.
//!
//! The options are the inputs of the model, so a new input needs no change here.

use std::fmt;

use capacity::{
    inputs::{INPUTS, Inputs},
    plan,
};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, error::ErrorKind};

const JSON: &str = "json";

/// The inputs that were given, and the format of the answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Estimate {
    inputs: Inputs,
    is_json: bool,
}

impl FromArgMatches for Estimate {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut estimate = Self { inputs: Inputs::default(), is_json: false };
        estimate.update_from_arg_matches(matches)?;
        Ok(estimate)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for input in INPUTS {
            if let Some(value) = matches.get_one::<f64>(input.name) {
                let set = self.inputs.set(input.name, *value);
                set.map_err(|error| clap::Error::raw(ErrorKind::ValueValidation, error))?;
            }
        }
        self.is_json = matches.get_flag(JSON);
        Ok(())
    }
}

impl Args for Estimate {
    fn augment_args(command: Command) -> Command {
        let options = INPUTS.iter().map(|input| {
            let about = format!("{} [default: {}]", input.about, input.default);
            Arg::new(input.name)
                .long(input.name)
                .value_name("NUMBER")
                .value_parser(clap::value_parser!(f64))
                .help(about)
        });
        let json = Arg::new(JSON).long(JSON).action(ArgAction::SetTrue).help("Print JSON");
        command.args(options).arg(json)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl fmt::Display for Estimate {
    /// Writes the plan as a table or as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = plan(&self.inputs);
        if !self.is_json {
            return plan.fmt(f);
        }
        f.write_str(&serde_json::to_string_pretty(&plan).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Estimate, clap::Error> {
        let command = Estimate::augment_args(Command::new("capacity").no_binary_name(true));
        Estimate::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn every_input_is_an_option() {
        for input in INPUTS {
            let estimate = parse(&[&format!("--{}", input.name), &input.max.to_string()]).unwrap();
            let (_, value) =
                estimate.inputs.rows().into_iter().find(|(one, _)| one.name == input.name).unwrap();
            assert!((value - input.max).abs() < f64::EPSILON, "{}", input.name);
        }
    }

    #[test]
    fn option_out_of_range_is_refused_by_name() {
        let error = parse(&["--replicas", "0"]).unwrap_err();
        assert!(error.to_string().contains("replicas must be from 1 to 9, not 0"), "{error}");
        assert!(parse(&["--replicas", "three"]).is_err());
    }

    #[test]
    fn json_has_every_number_of_the_table() {
        let estimate = parse(&["--daily-users", "1000000", "--json"]).unwrap();
        let json: Value = serde_json::from_str(&estimate.to_string()).unwrap();
        assert_eq!(json["assumptions"].as_array().unwrap().len(), INPUTS.len());
        assert_eq!(json["assumptions"][0]["value"], 1_000_000.0);
        let plan = plan(&estimate.inputs);
        let lines = json["sections"].as_array().unwrap().iter();
        let mut lines = lines.flat_map(|section| section["lines"].as_array().unwrap());
        let gateways = lines.find(|line| line["name"] == "gateways").unwrap();
        assert_eq!(gateways["value"].as_f64(), plan.value("gateways"));
        assert!(gateways["formula"].as_str().unwrap().contains("gateways-by-cores"));
    }
}
