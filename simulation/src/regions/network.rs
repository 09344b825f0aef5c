//! Requests between places: they take time, get lost, arrive late, and stop at cuts.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::task::TaskTracker;

use super::replica::{Mistake, Place, Replica};

/// How long a gateway waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(400);
/// The longest time for which a request stays in the network.
const LATE_MAX_MS: u64 = 10_000;
/// How many of a thousand requests or answers are lost.
const LOST_PERMILLE: u32 = 5;
/// How many of a thousand requests arrive late.
const LATE_PERMILLE: u32 = 10;

/// What connects the places now.
#[derive(Debug, Default)]
struct Links {
    /// Places that have neither power nor network.
    lost: [bool; 3],
    /// Pairs of a sender and a receiver that nothing passes between.
    cut: [[bool; 3]; 3],
}

impl Links {
    const fn pass(&self, from: Place, to: Place) -> bool {
        let (from, to) = (from.index(), to.index());
        !self.lost[from] && !self.lost[to] && !self.cut[from][to]
    }
}

/// The places and what connects them.
#[derive(Debug, Clone)]
pub(crate) struct Network(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    replicas: [Mutex<Replica>; 3],
    links: Mutex<Links>,
    rng: Mutex<Rng>,
    has_chance: Mutex<bool>,
    tasks: TaskTracker,
}

impl Network {
    pub(crate) fn new(rng: Rng, mistake: Option<Mistake>, tasks: TaskTracker) -> Self {
        Self(Arc::new(Inner {
            replicas: Place::ALL.map(|place| Mutex::new(Replica::new(place, mistake))),
            links: Mutex::default(),
            rng: Mutex::new(rng),
            has_chance: Mutex::new(true),
            tasks,
        }))
    }

    /// Changes or reads a replica from another place. Returns `None` if no answer arrives in time: the
    /// request may have taken effect, or may still do so.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        from: Place,
        to: Place,
        act: impl FnOnce(&mut Replica) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.send(from, to, move |replica| {
            let result = act(replica);
            move || drop(answer.send(result))
        });
        // A lost request drops its answer, and the caller cannot know that before the timeout.
        let begun = Instant::now();
        let answer = timeout(ANSWER_WITHIN, answered).await.ok()?.ok();
        if answer.is_none() {
            sleep_until(begun + ANSWER_WITHIN).await;
        }
        answer
    }

    /// Sends a request for whose answer nobody waits.
    pub(crate) fn tell(
        &self,
        from: Place,
        to: Place,
        act: impl FnOnce(&mut Replica) + Send + 'static,
    ) {
        self.send(from, to, move |replica| {
            act(replica);
            || ()
        });
    }

    /// Carries a request, and runs what it returns when its answer arrives.
    fn send<Answer: FnOnce() + Send>(
        &self,
        from: Place,
        to: Place,
        act: impl FnOnce(&mut Replica) -> Answer + Send + 'static,
    ) {
        let network = self.clone();
        self.0.tasks.spawn(async move {
            if let Some(answer) = network.carry(from, to, act).await {
                answer();
            }
        });
    }

    async fn carry<T>(
        &self,
        from: Place,
        to: Place,
        act: impl FnOnce(&mut Replica) -> T,
    ) -> Option<T> {
        if !self.sends(from, to) {
            return None;
        }
        sleep(self.delay(from, to)).await;
        if !self.passes(from, to) {
            return None;
        }
        let result = act(&mut self.replica(to).lock());
        if !self.sends(to, from) {
            return None;
        }
        sleep(latency(from, to)).await;
        self.passes(to, from).then_some(result)
    }

    /// Returns true if a request or answer is sent, and not lost by chance.
    fn sends(&self, from: Place, to: Place) -> bool {
        let is_lost = from != to && self.happens(LOST_PERMILLE);
        self.passes(from, to) && !is_lost
    }

    pub(crate) fn passes(&self, from: Place, to: Place) -> bool {
        self.0.links.lock().pass(from, to)
    }

    fn delay(&self, from: Place, to: Place) -> Duration {
        if self.happens(LATE_PERMILLE) {
            return Duration::from_millis(self.0.rng.lock().u64(1..LATE_MAX_MS));
        }
        let jitter = if *self.0.has_chance.lock() { self.0.rng.lock().u64(0..3) } else { 0 };
        latency(from, to) + Duration::from_millis(jitter)
    }

    fn happens(&self, permille: u32) -> bool {
        *self.0.has_chance.lock() && self.0.rng.lock().u32(0..1_000) < permille
    }

    pub(crate) fn replica(&self, place: Place) -> &Mutex<Replica> {
        &self.0.replicas[place.index()]
    }

    /// Loses a place, or brings it back.
    pub(crate) fn set_lost(&self, place: Place, is_lost: bool) {
        self.0.links.lock().lost[place.index()] = is_lost;
    }

    /// Returns true if no place is lost or without its data.
    pub(crate) fn is_whole(&self) -> bool {
        let has_data = Place::ALL.iter().all(|place| self.replica(*place).lock().takes_part());
        has_data && !self.0.links.lock().lost.contains(&true)
    }

    /// Stops everything from a sender to a receiver, for each of these pairs, or lets it pass again.
    pub(crate) fn set_cut(&self, pairs: &[(Place, Place)], is_cut: bool) {
        let mut links = self.0.links.lock();
        for (from, to) in pairs {
            links.cut[from.index()][to.index()] = is_cut;
        }
    }

    /// Repairs everything, and loses nothing from now on.
    pub(crate) fn heal(&self) {
        *self.0.links.lock() = Links::default();
        *self.0.has_chance.lock() = false;
    }
}

/// Returns the time from one place to another: the witness is near the east.
const fn latency(from: Place, to: Place) -> Duration {
    Duration::from_millis(match (from, to) {
        (Place::East, Place::East)
        | (Place::West, Place::West)
        | (Place::Witness, Place::Witness) => 1,
        (Place::East, Place::Witness) | (Place::Witness, Place::East) => 8,
        (Place::East, Place::West) | (Place::West, Place::East) => 35,
        (Place::West, Place::Witness) | (Place::Witness, Place::West) => 30,
    })
}
