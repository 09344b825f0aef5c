//! A reconnect storm: all clients lose their connections and return at the same moment, with cursors
//! that are behind. Meanwhile other users send.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use tokio::time::Instant;

use super::Conditions;
use crate::{
    calls::STALL_MAX,
    chance::Chance,
    conversations::{self, Conversation},
    event::{self, Incoming},
    opening::{Opening, hello},
    outcome::{Outcome, float},
    server::Server,
    sockets::{Received, Sockets},
    traffic::{Measured, Pace, Traffic, Until},
};

/// Direct conversations of the other users, and their sends a second.
const OTHERS: usize = 20;
const OTHERS_RATE: f64 = 100.0;
/// Sends outstanding in each group while it is filled.
const FILLING: usize = 16;
/// The time between two readings of the server's memory.
const SAMPLED: Duration = Duration::from_millis(20);

/// The clients and how far they are behind.
#[derive(Debug, Clone, Args)]
pub(crate) struct Storm {
    /// WebSockets that reconnect
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    sockets: u32,
    /// Members of a group, each with one of these sockets
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    group: u32,
    /// The most entries that a cursor is behind. The cursors are spread evenly from 0 to this
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=500))]
    behind: u64,
}

/// What the returning clients have received.
struct Returning {
    opening: Opening,
    /// The next seq and the head of each socket.
    cursors: Vec<(u64, u64)>,
    /// Entries that have not arrived.
    left: u64,
}

/// What the storm has given.
struct Passed {
    opened: Duration,
    caught_up: Duration,
    peak: u64,
}

impl Storm {
    pub(super) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        let shape = format!(
            "{} sockets, groups of {}, 0 to {} behind",
            self.sockets, self.group, self.behind
        );
        conditions.progress.phase(&format!("storm, {shape}: preparing"));
        let (count, group) = (usize::try_from(self.sockets)?, usize::try_from(self.group)?);
        ensure!(count.is_multiple_of(group), "the sockets do not fill their groups");
        let server = Server::start(conditions.launch, count + 2 * OTHERS)?;
        let (returning, others) = server.accounts().split_at(count);
        let groups: Vec<_> = returning.chunks(group).collect();
        let mut conversations = conversations::create(&server, &groups)?;
        self.fill(&server, &mut conversations).context("filling the groups")?;
        let pairs: Vec<_> = others.chunks(2).collect();
        let pairs = conversations::create(&server, &pairs)?;
        let mut others = Traffic::connect(&server, &pairs, Pace::PerSecond(OTHERS_RATE), 128)?;
        others.warm_up(Until::Time(conditions.warm_up)).context("other users before the storm")?;
        conditions.progress.phase(&format!("storm, {shape}: first connection"));
        let mut sockets = Sockets::new()?;
        let hellos = returning.iter().map(|account| hello(account, None)).collect::<Result<_>>()?;
        Opening::new(&sockets, server.address(), hellos).finish(&mut sockets)?;
        let connected = server.memory()?.resident;
        conditions.progress.phase(&format!("storm, {shape}: reconnecting"));
        let (usage, entries) =
            (server.usage()?, self.returning(&server, &conversations, &sockets)?.left);
        let stop = AtomicBool::new(false);
        let (passed, measured) = thread::scope(|scope| {
            let sending = scope.spawn(|| others.measure(&server, Until::Stopped(&stop)));
            drop(sockets);
            let passed = self.pass(&server, &conversations);
            stop.store(true, Ordering::Relaxed);
            let measured = sending.join().map_err(|_| anyhow!("the other senders panicked"))?;
            let passed = passed.context("the returning clients")?;
            Ok::<(Passed, Measured), anyhow::Error>((passed, measured.context("the other users")?))
        })?;
        let usage = server.usage()? - usage;
        let mut outcome = Outcome::new("storm", shape);
        outcome.add("entries", "", float(entries));
        outcome.add("opened", "s", passed.opened.as_secs_f64());
        outcome.add("caught up", "s", passed.caught_up.as_secs_f64());
        outcome.add("CPU", "s", usage.total().as_secs_f64());
        outcome.add("before", "MiB", float(connected >> 10) / 1024.0);
        outcome.add("peak", "MiB", float(passed.peak >> 10) / 1024.0);
        outcome.add("others' sends", "", float(measured.sends));
        outcome.add_latencies(&measured.acknowledged);
        Ok(outcome)
    }

    /// Writes as many messages into each group as its members may miss.
    fn fill(&self, server: &Server, conversations: &mut [Conversation<'_>]) -> Result<()> {
        let owners = conversations.iter().map(|conversation| Conversation {
            accounts: vec![conversation.accounts[0]],
            ..*conversation
        });
        let owners: Vec<_> = owners.collect();
        let mut traffic = Traffic::connect(server, &owners, Pace::Waiting(FILLING), 128)?;
        traffic.warm_up(Until::SentInEach(self.behind))?;
        for conversation in conversations {
            conversation.head += self.behind;
        }
        Ok(())
    }

    /// Prepares a connection for each member, with a cursor that is behind.
    fn returning(
        &self,
        server: &Server,
        conversations: &[Conversation<'_>],
        sockets: &Sockets,
    ) -> Result<Returning> {
        let (mut hellos, mut cursors) = (Vec::new(), Vec::new());
        let (mut left, mut chance) = (0, Chance::new(1));
        for conversation in conversations {
            for account in &conversation.accounts {
                let behind = chance.below(self.behind + 1);
                let cursor = conversation.head - behind;
                hellos.push(hello(account, Some(&[(conversation.id, cursor)]))?);
                cursors.push((cursor + 1, conversation.head));
                left += behind;
            }
        }
        let opening = Opening::new(sockets, server.address(), hellos).all_at_once();
        Ok(Returning { opening, cursors, left })
    }

    /// Reconnects everybody and waits until everybody has caught up.
    fn pass(&self, server: &Server, conversations: &[Conversation<'_>]) -> Result<Passed> {
        let mut sockets = Sockets::new()?;
        let mut returning = self.returning(server, conversations, &sockets)?;
        let begun = Instant::now();
        let (mut opened, mut peak) = (None, 0);
        let (mut progress, mut sampled) = (begun, begun);
        while returning.left > 0 || opened.is_none() {
            returning.opening.proceed(&mut sockets)?;
            sockets.wait(SAMPLED, |socket, received, at| {
                progress = at;
                returning.receive(socket, &received)
            })?;
            if opened.is_none() && returning.opening.is_done() {
                opened = Some(begun.elapsed());
            }
            if sampled.elapsed() > SAMPLED {
                sampled = Instant::now();
                peak = server.memory()?.resident.max(peak);
            }
            ensure!(progress.elapsed() < STALL_MAX, "{} entries did not arrive", returning.left);
        }
        let caught_up = begun.elapsed();
        let peak = server.memory()?.resident.max(peak);
        Ok(Passed { opened: opened.unwrap_or(caught_up), caught_up, peak })
    }
}

impl Returning {
    fn receive(&mut self, socket: usize, received: &Received<'_>) -> Result<()> {
        if self.opening.note(socket, received)? {
            return Ok(());
        }
        let Received::Text(text) = received else { return Ok(()) };
        match event::scan(text) {
            Incoming::Entry(seq) => {
                let (next, head) = &mut self.cursors[socket];
                ensure!(seq == *next && seq <= *head, "seq {seq} instead of {next}, head {head}");
                *next += 1;
                self.left -= 1;
                Ok(())
            }
            Incoming::Other if !text.starts_with(br#"{"ev":"gap""#) => Ok(()),
            Incoming::Other | Incoming::Done(_) | Incoming::Refused => {
                bail!("unexpected: {}", String::from_utf8_lossy(text))
            }
        }
    }
}
