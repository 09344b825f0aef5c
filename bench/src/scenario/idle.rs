//! Idle connections: the memory of each, whether it settles, and the processor time of keeping them.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tokio::time::Instant;

use super::Conditions;
use crate::{
    conversations,
    opening::{Opening, hello},
    outcome::{Outcome, float, ratio},
    server::Server,
    sockets::Sockets,
};

/// The most time without requests before the memory is read.
const SETTLED_MAX: Duration = Duration::from_secs(3);

/// The connections and their users.
#[derive(Debug, Clone, Args)]
pub(crate) struct Idle {
    /// Idle WebSockets
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    connections: u32,
    /// Users who share them equally (default: one for each)
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    users: Option<u32>,
    /// Users in one group
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    group: u32,
    /// Seconds after which the memory is read again
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    watch: u64,
}

impl Idle {
    pub(super) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        let users = self.users.unwrap_or(self.connections).max(2);
        let shape = format!("{} of {users} users, groups of {}", self.connections, self.group);
        conditions.progress.phase(&format!("idle, {shape}: preparing"));
        let server = Server::start(conditions.launch, usize::try_from(users)?)?;
        // The last group of one is nobody's conversation.
        let groups = server.accounts().chunks(usize::try_from(self.group)?);
        let groups: Vec<_> = groups.filter(|accounts| accounts.len() > 1).collect();
        conversations::create(&server, &groups)?;
        let watch = Duration::from_secs(self.watch);
        let settled = watch.min(SETTLED_MAX);
        let mut sockets = Sockets::new()?;
        // The first connection allocates what all connections share.
        let first = hello(&server.accounts()[0], None)?;
        Opening::new(&sockets, server.address(), vec![first]).finish(&mut sockets)?;
        stay_idle(&mut sockets, settled)?;
        let before = server.memory()?.resident;
        conditions.progress.phase(&format!("idle, {shape}: connecting"));
        let accounts = server.accounts().iter().cycle().take(usize::try_from(self.connections)?);
        let hellos = accounts.map(|account| hello(account, None)).collect::<Result<_>>()?;
        Opening::new(&sockets, server.address(), hellos).finish(&mut sockets)?;
        stay_idle(&mut sockets, settled)?;
        let connected = server.memory()?.resident;
        conditions.progress.phase(&format!("idle, {shape}: watching"));
        let usage = server.usage()?;
        stay_idle(&mut sockets, watch)?;
        let (usage, later) = (server.usage()? - usage, server.memory()?.resident);
        let each = |resident: u64| {
            ratio(resident.saturating_sub(before), u64::from(self.connections)) / 1_000.0
        };
        let mut outcome = Outcome::new("idle", shape);
        outcome.add("each", "KB", each(connected));
        outcome.add("each later", "KB", each(later));
        outcome.add("later", "s", float(self.watch));
        outcome.add("CPU", "ms/s", usage.total().as_secs_f64() * 1_000.0 / watch.as_secs_f64());
        outcome.add("before", "MiB", float(before >> 10) / 1024.0);
        outcome.add("resident", "MiB", float(later >> 10) / 1024.0);
        Ok(outcome)
    }
}

/// Answers pings for this time.
fn stay_idle(sockets: &mut Sockets, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        let left = end.saturating_duration_since(Instant::now());
        sockets.wait(left + Duration::from_millis(1), |_, _, _| Ok(()))?;
    }
    Ok(())
}
