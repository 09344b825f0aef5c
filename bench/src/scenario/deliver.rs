//! One sender in one group: the cost and the time of a delivery.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::{Conditions, cpu_each};
use crate::{
    conversations, floor,
    outcome::{Outcome, float},
    server::Server,
    traffic::{Measured, Pace, Traffic, Until},
};

/// The most sends that the server works on for one WebSocket.
const WAITING_MAX: i64 = 32;

/// The shape of the group and the pace of its sender.
#[derive(Debug, Clone, Args)]
pub(crate) struct Deliver {
    /// Members of the group, each with one WebSocket. The sender is one of them
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    members: u32,
    /// Keep this many sends outstanding, instead of waiting until everybody has the one before
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=WAITING_MAX))]
    waiting: Option<u32>,
    /// Send this many messages a second
    #[arg(long, conflicts_with = "waiting", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Bytes of a text
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    text: u32,
}

/// Groups with one sender each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) groups: usize,
    /// Members of each group.
    pub(super) members: usize,
    pub(super) pace: Pace,
    /// Bytes of a text.
    pub(super) text: usize,
}

impl Deliver {
    pub(super) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        let (words, pace) = match (self.waiting, self.rate) {
            (Some(waiting), _) => {
                (format!("{waiting} waiting"), Pace::Waiting(usize::try_from(waiting)?))
            }
            (None, Some(rate)) => (format!("{rate} a second"), Pace::PerSecond(f64::from(rate))),
            (None, None) => ("one at a time".to_owned(), Pace::EachDelivered),
        };
        let members = usize::try_from(self.members)?;
        let shape = Shape { groups: 1, members, pace, text: usize::try_from(self.text)? };
        measure("deliver", format!("{members} members, {words}"), shape, conditions)
    }
}

/// Measures deliveries in groups of this shape.
pub(super) fn measure(
    name: &'static str,
    words: String,
    shape: Shape,
    conditions: &Conditions<'_>,
) -> Result<Outcome> {
    conditions.progress.phase(&format!("{name}, {words}: preparing"));
    let server = Server::start(conditions.launch, shape.groups * shape.members)?;
    let groups: Vec<_> = server.accounts().chunks(shape.members).collect();
    let conversations = conversations::create(&server, &groups)?;
    let mut traffic = Traffic::connect(&server, &conversations, shape.pace, shape.text)?;
    conditions.progress.phase(&format!("{name}, {words}: measuring"));
    traffic.warm_up(Until::Time(conditions.warm_up))?;
    let measured = traffic.measure(&server, Until::Time(conditions.time))?;
    let resident = server.memory()?.resident;
    drop((traffic, conversations));
    drop(server);
    let mut outcome = Outcome::new(name, words);
    let [user, kernel, cpu] = cpu_each(measured.usage, measured.deliveries);
    let seconds = measured.elapsed.as_secs_f64();
    outcome.add("deliveries", "/s", float(measured.deliveries) / seconds);
    outcome.add("CPU/delivery", "us", cpu);
    outcome.add("user", "us", user);
    outcome.add("kernel", "us", kernel);
    if conditions.floor {
        conditions.progress.phase(&format!("{name}, {}: floor", outcome.shape));
        let floor = floor(shape, conditions, &measured)?;
        outcome.add("floor", "us", floor);
        outcome.add("x floor", "", cpu / floor);
    }
    outcome.add_latencies(&measured.delivered);
    outcome.add("resident", "MiB", float(resident >> 10) / 1024.0);
    Ok(outcome)
}

/// Returns the microseconds of a bare delivery at the same pace. A round writes to one group.
fn floor(shape: Shape, conditions: &Conditions<'_>, measured: &Measured) -> Result<f64> {
    let (frames, interval) = match shape.pace {
        Pace::EachDelivered => (1, None),
        Pace::Waiting(outstanding) => (outstanding, None),
        Pace::PerSecond(rate) => (1, Some(Duration::from_secs_f64(1.0 / rate))),
    };
    let frame_bytes = measured.delivery_bytes;
    let writes = floor::Writes { sockets: shape.members, frame_bytes, frames, interval };
    let (usage, deliveries) = floor::writes(conditions.launch.cores, writes, conditions.time)?;
    let [_, _, cpu] = cpu_each(usage, deliveries);
    Ok(cpu)
}
