//! Random tests: users come and go, gateways are disconnected, leases fail and forget. No present
//! user is ever called offline. Last seen is never in the future and never moves back. When the
//! faults end, all presence is right.

use std::collections::BTreeMap;

use chat_core::time::Timestamp;
use tokio::time::{Instant, sleep};

use super::{
    super::Hold,
    SECOND,
    cluster::{Cluster, device},
};
use crate::{
    jitter::Jitter,
    limits::{CONVERGED_MAX, GATEWAY_KILLED_MAX, ONLINE_MAX},
    model::Status,
};

const GATEWAYS: usize = 3;
const USERS: u64 = 4;

struct World {
    cluster: Cluster,
    chance: Jitter,
    holds: BTreeMap<(usize, u64, u64), (Hold, Instant)>,
    /// Since when each gateway has reached the leases; `None` while it does not.
    reaches: [Option<Instant>; GATEWAYS],
    up: bool,
    last_seen: BTreeMap<u64, Timestamp>,
    steps: Vec<String>,
}

impl World {
    fn pick(&self, below: u64) -> u64 {
        let micros = self.chance.below(std::time::Duration::from_secs(1)).as_micros();
        u64::try_from(micros).unwrap() % below
    }

    fn step(&mut self) {
        let gateway = usize::try_from(self.pick(GATEWAYS as u64)).unwrap();
        let key = (gateway, self.pick(USERS) + 1, self.pick(2) + 1);
        let step = self.pick(40);
        match step {
            0 => self.reach(gateway, false),
            1..=3 => self.reach(gateway, true),
            4 => self.fail(),
            5 if !self.up => self.cluster.hub.forget(),
            6..=8 => self.restore(),
            9..=24 => {
                let hold = self.cluster[gateway].tracker.hold_for_socket(device(key.1, key.2));
                self.holds.entry(key).or_insert((hold, Instant::now()));
            }
            _ => drop(self.holds.remove(&key)),
        }
        self.steps.push(format!("{} {step} {key:?}", self.cluster.now()));
    }

    fn reach(&mut self, gateway: usize, reaches: bool) {
        if reaches != self.reaches[gateway].is_some() {
            self.reaches[gateway] = reaches.then(Instant::now);
            let leases = &self.cluster[gateway].leases;
            if reaches { leases.reconnect() } else { leases.disconnect() }
        }
    }

    fn fail(&mut self) {
        self.up = false;
        self.cluster.hub.fail();
    }

    fn restore(&mut self) {
        if !self.up {
            self.up = true;
            self.cluster.hub.restore();
        }
    }

    /// Returns true if the user is certainly shown as present: it has been at a gateway that reaches
    /// the leases for long enough.
    fn is_here(&self, user: u64) -> bool {
        self.holds.iter().any(|((gateway, of, _), (_, since))| {
            let long = |since: Instant, least| since.elapsed() >= least;
            *of == user
                && long(*since, ONLINE_MAX)
                && self.reaches[*gateway].is_some_and(|since| long(since, CONVERGED_MAX))
        })
    }

    async fn check(&mut self) {
        for (gateway, user) in everywhere() {
            let shown = self.cluster.query(gateway, user).await;
            let trace = &self.steps[self.steps.len().saturating_sub(30)..];
            let false_offline = shown.status == Status::Offline && self.is_here(user);
            assert!(!false_offline, "false offline {user} {trace:#?}");
            assert!(
                self.up || shown.status == Status::Unknown,
                "known in an outage {user} {trace:#?}"
            );
            let Some(seen) = shown.last_seen_at else { continue };
            assert!(seen <= self.cluster.now(), "last seen in the future");
            let before = self.last_seen.insert(user, seen);
            assert!(
                before.is_none_or(|before| before <= seen),
                "last seen moved back {user} {trace:#?}"
            );
        }
    }

    async fn check_the_end(mut self) {
        self.restore();
        (0..GATEWAYS).for_each(|gateway| self.reach(gateway, true));
        sleep(GATEWAY_KILLED_MAX).await;
        for (gateway, user) in everywhere() {
            let here = self.holds.keys().any(|(_, of, _)| *of == user);
            let expected = if here { Status::Online } else { Status::Offline };
            let shown = self.cluster.query(gateway, user).await;
            assert_eq!(shown.status, expected, "{user} {:#?}", self.steps);
        }
    }
}

fn everywhere() -> impl Iterator<Item = (usize, u64)> {
    (0..GATEWAYS).flat_map(|gateway| (1..=USERS).map(move |user| (gateway, user)))
}

#[tokio::test(start_paused = true)]
async fn presence_is_never_wrong_under_random_faults() {
    for seed in 1..=60 {
        let mut world = World {
            cluster: Cluster::seeded(GATEWAYS, seed).await,
            chance: Jitter::new(seed),
            holds: BTreeMap::new(),
            reaches: [Some(Instant::now()); GATEWAYS],
            up: true,
            last_seen: BTreeMap::new(),
            steps: vec![format!("seed {seed}")],
        };
        for _ in 0..150 {
            world.step();
            sleep(SECOND / 10 + world.chance.below(3 * SECOND)).await;
            world.check().await;
        }
        world.check_the_end().await;
    }
}
