//! The scenarios. Each starts a new server, prepares it, measures, and returns its figures.

pub(crate) mod deliver;
pub(crate) mod groups;
pub(crate) mod history;
pub(crate) mod idle;
pub(crate) mod mixed;
pub(crate) mod poll;
pub(crate) mod search;
pub(crate) mod send;
pub(crate) mod storm;

use std::time::Duration;

use anyhow::Result;
use clap::Subcommand;

use crate::{outcome::Outcome, progress::Progress, server::Launch, usage::Usage};

/// What all scenarios share.
#[derive(Debug)]
pub(crate) struct Conditions<'a> {
    pub(crate) launch: &'a Launch,
    /// The measured time.
    pub(crate) time: Duration,
    /// The time of traffic before it.
    pub(crate) warm_up: Duration,
    /// True if the floor is measured too.
    pub(crate) floor: bool,
    pub(crate) progress: &'a Progress,
}

/// The scenarios.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Scenario {
    /// One sender in one group: the cost and the time of a delivery
    Deliver(deliver::Deliver),
    /// Senders in conversations: the cost, the rate and the time of a durable send
    Send(send::Send),
    /// Idle connections: the memory of each, and whether it settles
    Idle(idle::Idle),
    /// Readers of one long conversation: the cost and the time of a page of history
    History(history::History),
    /// Many small groups, each with its own sender
    Groups(groups::Groups),
    /// Long polls in many groups: the cost and the time of a delivery to a poll
    Poll(poll::Poll),
    /// Texts, receipts, typing, pages of history and reconnects at a fixed rate
    Mixed(mixed::Mixed),
    /// Searches in many conversations: the rate of indexing, the size of the index, and the time of a page
    Search(search::Search),
    /// All clients reconnect at the same moment, with cursors that are behind
    Storm(storm::Storm),
}

impl Scenario {
    pub(crate) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        match self {
            Self::Deliver(deliver) => deliver.run(conditions),
            Self::Send(send) => send.run(conditions),
            Self::Idle(idle) => idle.run(conditions),
            Self::History(history) => history.run(conditions),
            Self::Groups(groups) => groups.run(conditions),
            Self::Mixed(mixed) => mixed.run(conditions),
            Self::Poll(poll) => poll.run(conditions),
            Self::Search(search) => search.run(conditions),
            Self::Storm(storm) => storm.run(conditions),
        }
    }
}

/// Returns microseconds of processor time for each of `count`: user, kernel and both.
fn cpu_each(usage: Usage, count: u64) -> [f64; 3] {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / crate::outcome::float(count.max(1));
    [each(usage.user), each(usage.kernel), each(usage.total())]
}
