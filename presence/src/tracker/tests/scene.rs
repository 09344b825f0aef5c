//! Gateways on one hub, and eyes on them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Index,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{GatewayId, LoginId, UserId},
    model::Identity,
    time::{Clock, TestClock, Timestamp},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    super::{Keeping, Parts, Tracker, Watcher},
    hanging::HangingLeases,
};
use crate::{
    memory::{MemoryHub, MemoryLastSeen, MemoryLeases},
    model::{Presence, Status},
    port::{Acquaintances, Audience, LastSeen, Leases},
};

/// The user behind all eyes.
const WATCHER: u64 = 999_999;

pub(super) fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

pub(super) fn device(user_id: u64, login: u64) -> Identity {
    Identity { user: user(user_id), login: LoginId::new(login).unwrap() }
}

/// One gateway.
pub(super) struct Gateway {
    pub(super) tracker: Tracker,
    pub(super) leases: Arc<MemoryLeases>,
    pub(super) hang: Arc<AtomicBool>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Several gateways on one hub.
pub(super) struct Scene {
    pub(super) hub: Arc<MemoryHub>,
    pub(super) store: Arc<Store>,
    pub(super) strangers: Arc<Strangers>,
    pub(super) keeping: Keeping,
    /// No gateway can bury this one.
    pub(super) unburied: Arc<Mutex<Option<GatewayId>>>,
    clock: Arc<TestClock>,
    gateways: Vec<Gateway>,
    stop: CancellationToken,
    seed: u64,
}

impl Scene {
    pub(super) async fn open(gateways: usize) -> Self {
        Self::seeded(gateways, 7).await
    }

    pub(super) async fn seeded(gateways: usize, seed: u64) -> Self {
        let stop = CancellationToken::new();
        let mut scene = Self {
            hub: MemoryHub::start(&TaskTracker::new(), stop.clone()),
            store: Arc::default(),
            strangers: Arc::default(),
            keeping: Keeping::AtLeaving,
            unburied: Arc::default(),
            clock: Arc::new(TestClock::new(Timestamp::from_millis(1_800_000_000_000), 1)),
            gateways: Vec::new(),
            stop,
            seed,
        };
        for _ in 0..gateways {
            scene.add_gateway();
        }
        sleep(Duration::from_millis(10)).await;
        scene
    }

    pub(super) fn add_gateway(&mut self) -> usize {
        let (tasks, stop) = (TaskTracker::new(), self.stop.child_token());
        let (leases, hang) = (Arc::new(self.hub.leases()), Arc::new(AtomicBool::new(false)));
        let parts = Parts {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            leases: Arc::new(HangingLeases {
                leases: leases.clone(),
                hang: Arc::clone(&hang),
                unburied: Arc::clone(&self.unburied),
            }),
            last_seen: Arc::clone(&self.store) as Arc<dyn LastSeen>,
            acquaintances: Arc::clone(&self.strangers) as Arc<dyn Acquaintances>,
            keeping: self.keeping,
            seed: self.seed + self.gateways.len() as u64,
        };
        let tracker = Tracker::start(parts, &tasks, &stop);
        self.gateways.push(Gateway { tracker, leases, hang, tasks, stop });
        self.gateways.len() - 1
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The gateway's process is killed: nothing of it reaches the hub any more.
    pub(super) fn kill(&self, gateway: usize) {
        self[gateway].leases.cut();
        // Not even what a gateway does at its end.
        self.store.deny_for(Duration::ZERO);
        self[gateway].stop.cancel();
    }

    /// The gateway ends in order.
    pub(super) async fn end(&self, gateway: usize) {
        self[gateway].stop.cancel();
        self[gateway].tasks.close();
        self[gateway].tasks.wait().await;
    }

    pub(super) async fn query(&self, gateway: usize, user_id: u64) -> Presence {
        self[gateway].tracker.of_users_for(user(WATCHER), &[user(user_id)]).await[0]
    }

    pub(super) async fn kept(&self, user_id: u64) -> Option<Timestamp> {
        self.store.seen.of_users(&[user(user_id)]).await.unwrap()[0]
    }

    pub(super) async fn fields(&self, user_id: u64) -> usize {
        let reading = self.hub.leases().of_users(&[user(user_id)]).await.remove(0);
        reading.unwrap().devices.len()
    }

    /// An eye that watches these users, all of whom are offline so far.
    pub(super) async fn watch(&self, gateway: usize, users: &[u64]) -> Eye {
        let eye = self.eye(gateway);
        let users: Vec<_> = users.iter().map(|id| user(*id)).collect();
        let answer = eye.watcher.watch(&users).await.unwrap();
        assert!(answer.iter().all(|presence| presence.status == Status::Offline), "{answer:?}");
        eye
    }

    pub(super) fn eye(&self, gateway: usize) -> Eye {
        let shown = Arc::new(Shown::default());
        let audience = Arc::clone(&shown) as Arc<dyn Audience>;
        Eye { watcher: self[gateway].tracker.watcher(user(WATCHER), audience), shown }
    }
}

impl Index<usize> for Scene {
    type Output = Gateway;

    fn index(&self, gateway: usize) -> &Gateway {
        &self.gateways[gateway]
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What an audience was shown.
#[derive(Debug, Default)]
pub(super) struct Shown {
    presences: Mutex<VecDeque<Presence>>,
    more: Notify,
}

impl Audience for Shown {
    fn show(&self, presence: &Presence) {
        self.presences.lock().unwrap().push_back(*presence);
        self.more.notify_one();
    }
}

/// A session that watches.
pub(super) struct Eye {
    pub(super) watcher: Watcher,
    shown: Arc<Shown>,
}

impl Eye {
    async fn next(&self) -> Presence {
        loop {
            let shown = self.shown.presences.lock().unwrap().pop_front();
            if let Some(presence) = shown {
                return presence;
            }
            self.shown.more.notified().await;
        }
    }

    pub(super) async fn expect(&mut self, id: u64, status: Status, within: Duration) -> Presence {
        let shown = timeout_at(Instant::now() + within, self.next()).await.expect("nothing shown");
        assert_eq!((shown.user, shown.status), (user(id), status));
        shown
    }

    pub(super) async fn expect_all(&mut self, expected: &[(u64, Status)], within: Duration) {
        let (end, mut shown) = (Instant::now() + within, BTreeMap::new());
        for _ in expected {
            let one = timeout_at(end, self.next()).await.expect("not all shown");
            shown.insert(one.user.get(), one.status);
        }
        assert_eq!(shown, expected.iter().copied().collect());
    }

    pub(super) async fn expect_nothing(&mut self, during: Duration) {
        if let Ok(shown) = timeout_at(Instant::now() + during, self.next()).await {
            panic!("shown {shown:?}");
        }
    }

    /// What was shown so far.
    pub(super) fn drain(&self) -> Vec<Presence> {
        self.shown.presences.lock().unwrap().drain(..).collect()
    }
}

/// Everybody knows everybody, but for these.
#[derive(Debug, Default)]
pub(super) struct Strangers(pub(super) Mutex<BTreeSet<UserId>>);

#[async_trait]
impl Acquaintances for Strangers {
    async fn know(&self, _: UserId, users: &[UserId]) -> Vec<bool> {
        let strangers = self.0.lock().unwrap();
        users.iter().map(|user| !strangers.contains(user)).collect()
    }
}

/// A store of last seen that may be down.
#[derive(Debug, Default)]
pub(super) struct Store {
    seen: MemoryLastSeen,
    denied_until: Mutex<Option<Instant>>,
}

impl Store {
    pub(super) fn deny_for(&self, time: Duration) {
        // Also the rest of this moment.
        let until = Instant::now() + time + Duration::from_millis(1);
        *self.denied_until.lock().unwrap() = Some(until);
    }

    fn check(&self) -> Result<(), StoreError> {
        let denied = self.denied_until.lock().unwrap().is_some_and(|until| Instant::now() < until);
        if denied { Err(StoreError::Unavailable("denied".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl LastSeen for Store {
    async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
        self.check()?;
        self.seen.advance(seen).await
    }

    async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        self.check()?;
        self.seen.of_users(users).await
    }
}
