//! A gateway of a region: it sends, confirms, reads, and takes over from a home that is gone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::{
    network::Network,
    replica::{Appended, ClientId, Epoch, Mistake, Place, Replica, State, best},
};

/// A command is answered within this, or its outcome is unknown.
const COMMAND_DEADLINE: Duration = Duration::from_secs(2);
/// Failures in a row after which the other region takes over.
const FAILURES_MAX: usize = 3;
/// The longest pause before a further attempt.
const PAUSE_MAX_MS: u64 = 200;

/// One gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    number: usize,
    pub(crate) place: Place,
    network: Network,
    mistake: Option<Mistake>,
    /// The newest epoch that it knows to have begun.
    known: Mutex<Epoch>,
    /// The head of the home's log, as far as it knows.
    head: AtomicUsize,
    failures: AtomicUsize,
    rng: Mutex<Rng>,
    pub(crate) takeovers: AtomicU64,
}

impl Gateway {
    pub(crate) fn new(
        number: usize,
        network: &Network,
        mistake: Option<Mistake>,
        rng: Rng,
    ) -> Arc<Self> {
        Arc::new(Self {
            number,
            place: Epoch { gateway: number, ..Epoch::FIRST }.home(),
            network: network.clone(),
            mistake,
            known: Mutex::new(Epoch::FIRST),
            head: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            rng: Mutex::new(rng),
            takeovers: AtomicU64::new(0),
        })
    }

    /// Sends a text. Returns its seq once two places have it, or `None` if the outcome is unknown. The
    /// client then sends it again, here or elsewhere.
    pub(crate) async fn send(&self, client: ClientId) -> Option<usize> {
        let deadline = Instant::now() + COMMAND_DEADLINE;
        while Instant::now() < deadline {
            if let Some(seq) = self.attempt(client).await {
                return Some(seq);
            }
        }
        None
    }

    /// Appends at the home, and confirms. Returns `None` if one of both is refused or not answered.
    async fn attempt(&self, client: ClientId) -> Option<usize> {
        let epoch = self.known();
        let after = self.head.load(Ordering::Relaxed);
        let append = move |home: &mut Replica| home.append(epoch, after, client);
        match self.network.call(self.place, epoch.home(), append).await {
            Some(Appended::Stored { seq, log }) => {
                self.head.store(log.len(), Ordering::Relaxed);
                if self.is(Mistake::AcknowledgesBeforeReplication) || self.confirm(epoch, log).await
                {
                    return Some(seq);
                }
                self.find_home().await;
            }
            Some(Appended::Moved { head }) => self.head.store(head, Ordering::Relaxed),
            Some(Appended::Fenced) | None => self.find_home().await,
        }
        None
    }

    /// Returns every entry that was acknowledged before the call. `None` if the home or a second place
    /// does not answer.
    pub(crate) async fn read_confirmed(&self) -> Option<Vec<ClientId>> {
        let epoch = self.known();
        let home = epoch.home();
        let state = self.network.call(self.place, home, |home| home.read()).await.flatten();
        let Some(State { accepted, entries, .. }) = state.filter(|state| state.accepted == epoch)
        else {
            self.find_home().await;
            return None;
        };
        if self.is(Mistake::ReadsWithoutConfirming) || self.confirm(accepted, entries.clone()).await
        {
            return Some(entries);
        }
        self.find_home().await;
        None
    }

    /// Copies the home's log to the other places, and returns true as soon as one of them has it. The
    /// places then learn that it is decided.
    async fn confirm(&self, epoch: Epoch, log: Vec<ClientId>) -> bool {
        let log: Arc<[ClientId]> = log.into();
        let mut confirming: FuturesUnordered<_> = epoch
            .home()
            .others()
            .into_iter()
            .map(|place| {
                let log = log.clone();
                self.network.call(self.place, place, move |replica| replica.confirm(epoch, &log))
            })
            .collect();
        while let Some(answer) = confirming.next().await {
            if answer == Some(true) {
                self.failures.store(0, Ordering::Relaxed);
                self.tell_decided(epoch, log.len());
                return true;
            }
        }
        false
    }

    /// Lets all places know that these entries are decided. The next time makes up for a lost one.
    fn tell_decided(&self, epoch: Epoch, count: usize) {
        for place in Place::ALL {
            self.network.tell(self.place, place, move |one| one.learn_decided(epoch, count));
        }
    }

    fn known(&self) -> Epoch {
        *self.known.lock()
    }

    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Asks all places for the newest epoch. Takes over if its home has not answered several times.
    async fn find_home(&self) {
        let states = self.ask_all(|replica| replica.read()).await;
        let newest = states.iter().map(|state| state.accepted).max();
        let is_newer = newest.is_some_and(|newest| newest > self.known());
        if let Some(newest) = newest.filter(|_| is_newer) {
            *self.known.lock() = newest;
            self.failures.store(0, Ordering::Relaxed);
            return;
        }
        let pause = self.rng.lock().u64(1..PAUSE_MAX_MS);
        sleep(Duration::from_millis(pause)).await;
        if self.failures.fetch_add(1, Ordering::Relaxed) >= FAILURES_MAX {
            self.take_over().await;
        }
    }

    /// Makes this region the home: two places promise the new epoch, of which this one is one, and two
    /// get the best of their logs. Returns true if the epoch has begun.
    pub(crate) async fn take_over(&self) -> bool {
        self.failures.store(0, Ordering::Relaxed);
        let states = self.ask_all(|replica| replica.read()).await;
        let Some(newest) = states.iter().map(|state| state.promised).max() else { return false };
        let epoch = Epoch { number: newest.number + 1, gateway: self.number };
        let own = self.place;
        let promise = move |replica: &mut Replica| replica.promise(epoch);
        let Some(mine) = self.network.call(own, own, promise).await.flatten() else { return false };
        let asked = own.others().map(|place| self.network.call(own, place, promise));
        let mut promised: Vec<State> =
            join_all(asked).await.into_iter().flatten().flatten().collect();
        if promised.is_empty() {
            return false;
        }
        promised.push(mine);
        let longest = || promised.iter().max_by_key(|state| state.entries.len());
        let chosen =
            if self.is(Mistake::TakesLongestLog) { longest() } else { best(promised.iter()) };
        let Some(log) = chosen.map(|state| state.entries.clone()) else { return false };
        let installed = log.clone();
        let install = move |home: &mut Replica| home.confirm(epoch, &installed);
        if self.network.call(own, own, install).await != Some(true) {
            return false;
        }
        let has_begun = self.confirm(epoch, log).await;
        if has_begun {
            *self.known.lock() = epoch;
            self.takeovers.fetch_add(1, Ordering::Relaxed);
        }
        has_begun
    }

    /// Returns the answers of all places that answer.
    async fn ask_all(&self, ask: fn(&mut Replica) -> Option<State>) -> Vec<State> {
        let asked = Place::ALL.map(|place| self.network.call(self.place, place, ask));
        join_all(asked).await.into_iter().flatten().flatten().collect()
    }
}
