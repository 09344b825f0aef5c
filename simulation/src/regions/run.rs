//! One run: from a seed to its violations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use fastrand::Rng;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::{
    runtime::Builder,
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    clients, faults,
    gateway::Gateway,
    network::Network,
    replica::{ClientId, Mistake, Place},
};

/// Clients, half of them in each region.
const CLIENTS: u64 = 6;
/// Gateways, half of them in each region.
const GATEWAYS: usize = 4;
/// The longest simulated time of the sends, for a mistake that stops them for good.
const SENDS_WITHIN: Duration = Duration::from_secs(1_200);
/// The time within which everything works again after the last fault.
const WORKS_WITHIN: Duration = Duration::from_secs(30);

/// A broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// An acknowledged text is not in the log, or is at another seq.
    LostWrite,
    /// A text is in the log twice.
    Duplicate,
    /// Two readers see different entries at one seq.
    InconsistentOffset,
    /// A confirmed read lacks a text that was acknowledged before it.
    StaleRead,
    /// Nothing works after the last fault.
    NotServing,
}

/// What happened in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Texts that were sent.
    pub sends: u64,
    /// Attempts whose outcome was unknown.
    pub unknown: u64,
    /// Lost places.
    pub losses: u64,
    /// Lost places that came back without their data.
    pub erasures: u64,
    /// Cut links.
    pub cuts: u64,
    /// Attempts to move the home on purpose.
    pub moves: u64,
    /// Epochs that began.
    pub takeovers: u64,
    /// Reads that were compared.
    pub reads: u64,
    /// The longest time from a text's first attempt to its acknowledgement.
    pub longest: Duration,
}

/// One read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    /// The first acknowledgements that it must include.
    pub(super) acknowledged: usize,
    pub(super) entries: Vec<ClientId>,
}

/// What clients saw.
#[derive(Debug, Default)]
pub(super) struct Report {
    acknowledged: Mutex<Vec<(ClientId, usize)>>,
    reads: Mutex<Vec<Read>>,
    counts: Mutex<Counts>,
}

impl Report {
    pub(super) fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock());
    }

    pub(super) fn acknowledge(&self, name: ClientId, seq: usize, took: Duration) {
        self.acknowledged.lock().push((name, seq));
        self.count(|counts| counts.longest = counts.longest.max(took));
    }

    pub(super) fn is_acknowledged(&self, name: ClientId) -> bool {
        self.acknowledged.lock().iter().rev().any(|(one, _)| *one == name)
    }

    /// Returns the number of acknowledgements so far.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.lock().len()
    }

    pub(super) fn add_read(&self, read: Read) {
        self.reads.lock().push(read);
    }

    /// Returns the violations, if this is the log at the end.
    fn judge(&self, log: &[ClientId]) -> BTreeSet<Violation> {
        let mut violations = BTreeSet::new();
        let mut seqs = BTreeMap::new();
        for (index, name) in log.iter().enumerate() {
            if seqs.insert(*name, index + 1).is_some() {
                violations.insert(Violation::Duplicate);
            }
        }
        let acknowledged = self.acknowledged.lock();
        if acknowledged.iter().any(|(_, seq)| *seq == 0 || *seq > log.len())
            || acknowledged.iter().any(|(name, seq)| log[*seq - 1] != *name)
        {
            violations.insert(Violation::LostWrite);
        }
        for Read { acknowledged: count, entries } in &*self.reads.lock() {
            if !log.starts_with(entries) {
                violations.insert(Violation::InconsistentOffset);
            }
            let known: BTreeSet<_> = entries.iter().collect();
            if acknowledged[..*count].iter().any(|(name, _)| !known.contains(name)) {
                violations.insert(Violation::StaleRead);
            }
        }
        violations
    }
}

/// Runs a seed with this many texts of each client. Returns what happened, and the violations.
pub fn run(
    seed: u64,
    texts: u64,
    mistake: Option<Mistake>,
) -> Result<(Counts, BTreeSet<Violation>)> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(simulate(seed, texts, mistake)).with_context(|| format!("seed {seed}"))
}

async fn simulate(
    seed: u64,
    texts: u64,
    mistake: Option<Mistake>,
) -> Result<(Counts, BTreeSet<Violation>)> {
    let mut rng = Rng::with_seed(seed);
    let (tasks, report) = (TaskTracker::new(), Arc::new(Report::default()));
    let network = Network::new(rng.fork(), mistake, tasks.clone());
    let gateways: Vec<_> =
        (0..GATEWAYS).map(|number| Gateway::new(number, &network, mistake, rng.fork())).collect();
    let ends = CancellationToken::new();
    let mut sending = Vec::new();
    for client in 0..CLIENTS {
        let sends = clients::send(client, texts, gateways.clone(), report.clone(), rng.fork());
        sending.push(tasks.spawn(ends.clone().run_until_cancelled_owned(sends)));
    }
    for place in Place::ALL {
        tasks.spawn(ends.clone().run_until_cancelled_owned(faults::rejoin(network.clone(), place)));
    }
    let confirmed = clients::read_confirmed(gateways.clone(), report.clone(), rng.fork());
    tasks.spawn(ends.clone().run_until_cancelled_owned(confirmed));
    let shown = clients::read_shown(network.clone(), report.clone(), rng.fork());
    tasks.spawn(ends.clone().run_until_cancelled_owned(shown));
    let breaks =
        faults::run(network.clone(), gateways.clone(), report.clone(), tasks.clone(), rng.fork());
    let stops = CancellationToken::new();
    tasks.spawn(stops.clone().run_until_cancelled_owned(breaks));
    let is_done = timeout(SENDS_WITHIN, join_all(sending)).await.is_ok();
    stops.cancel();
    network.heal();
    let log = read_at_the_end(&gateways).await;
    ends.cancel();
    let mut counts = *report.counts.lock();
    let takeovers =
        |gateway: &Arc<Gateway>| gateway.takeovers.load(std::sync::atomic::Ordering::Relaxed);
    counts.takeovers = gateways.iter().map(takeovers).sum();
    counts.reads = report.reads.lock().len() as u64;
    let mut violations = report.judge(log.as_deref().unwrap_or_default());
    if !is_done || log.is_none() {
        violations.insert(Violation::NotServing);
    }
    Ok((counts, violations))
}

/// Waits for what is late in the network, then reads the log.
async fn read_at_the_end(gateways: &[Arc<Gateway>]) -> Option<Vec<ClientId>> {
    sleep(WORKS_WITHIN).await;
    let deadline = Instant::now() + WORKS_WITHIN;
    while Instant::now() < deadline {
        if let Some(log) = gateways[0].read_confirmed().await {
            return Some(log);
        }
    }
    None
}
