//! Senders in conversations: the cost, the rate and the time of a durable send.

use anyhow::Result;
use clap::Args;

use super::{Conditions, cpu_each};
use crate::{
    conversations, floor,
    outcome::{Outcome, float, ratio},
    server::Server,
    traffic::{Pace, Traffic, Until},
};

/// The shape of the conversations and the pace of their senders.
#[derive(Debug, Clone, Args)]
pub(crate) struct Send {
    /// Conversations, each with one sender and its own users
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    conversations: u32,
    /// Members of a conversation, each with a WebSocket. Two are a direct conversation
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    members: u32,
    /// Sends outstanding in each conversation
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    waiting: u32,
    /// Send this many messages a second, over all conversations together
    #[arg(long, conflicts_with = "waiting", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Bytes of a text
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    text: u32,
}

impl Send {
    pub(super) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        let shape = self.shape();
        let (count, members) =
            (usize::try_from(self.conversations)?, usize::try_from(self.members)?);
        conditions.progress.phase(&format!("send, {shape}: preparing"));
        let server = Server::start(conditions.launch, count * members)?;
        let groups: Vec<_> = server.accounts().chunks(members).collect();
        let conversations = conversations::create(&server, &groups)?;
        let text = usize::try_from(self.text)?;
        let mut traffic = Traffic::connect(&server, &conversations, self.pace()?, text)?;
        conditions.progress.phase(&format!("send, {shape}: measuring"));
        traffic.warm_up(Until::Time(conditions.warm_up))?;
        let measured = traffic.measure(&server, Until::Time(conditions.time))?;
        let resident = server.memory()?.resident;
        let mut outcome = Outcome::new("send", shape);
        let [user, kernel, cpu] = cpu_each(measured.usage, measured.sends);
        outcome.add("sends", "/s", float(measured.sends) / measured.elapsed.as_secs_f64());
        outcome.add("CPU/send", "us", cpu);
        outcome.add("user", "us", user);
        outcome.add("kernel", "us", kernel);
        outcome.add_latencies(&measured.acknowledged);
        outcome.add("other events/send", "", ratio(measured.other_events, measured.sends));
        if conditions.floor {
            drop(traffic);
            conditions.progress.phase(&format!("send, {}: floor", outcome.shape));
            let bytes = measured.delivery_bytes;
            let bare = floor::syncs(conditions.launch.cores, server.folder(), bytes)?;
            outcome.add("fdatasync p50", "ms", bare.millis(0.5));
            outcome.add("fdatasync p99", "ms", bare.millis(0.99));
        }
        outcome.add("resident", "MiB", float(resident >> 10) / 1024.0);
        Ok(outcome)
    }

    fn shape(&self) -> String {
        let pace = match self.rate {
            Some(rate) => format!("{rate} a second"),
            None => format!("{} waiting", self.waiting),
        };
        format!("{} conversations of {}, {pace}", self.conversations, self.members)
    }

    fn pace(&self) -> Result<Pace> {
        Ok(match self.rate {
            Some(rate) => Pace::PerSecond(f64::from(rate)),
            None => Pace::Waiting(usize::try_from(self.waiting)?),
        })
    }
}
