//! Many small groups, each with its own sender: the cost and the time of a delivery.

use anyhow::Result;
use clap::Args;

use super::{
    Conditions,
    deliver::{Shape, measure},
};
use crate::{outcome::Outcome, traffic::Pace};

/// The groups and the pace of their senders.
#[derive(Debug, Clone, Args)]
pub(crate) struct Groups {
    /// Groups, each with its own users
    #[arg(long = "groups", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// Members of a group, each with a WebSocket
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    members: u32,
    /// Messages a second, over all groups together
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Bytes of a text
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    text: u32,
}

impl Groups {
    pub(super) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        let shape = Shape {
            groups: usize::try_from(self.count)?,
            members: usize::try_from(self.members)?,
            pace: Pace::PerSecond(f64::from(self.rate)),
            text: usize::try_from(self.text)?,
        };
        let words = format!("{} groups of {}, {} a second", self.count, self.members, self.rate);
        measure("groups", words, shape, conditions)
    }
}
