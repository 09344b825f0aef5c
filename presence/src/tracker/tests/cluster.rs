//! The fixture: gateways on one hub, and watching sessions.

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
    super::{LastSeenPolicy, Tracker, TrackerParts, Watcher},
    hanging::HangingLeases,
};
use crate::{
    memory::{LeaseHub, MemoryLastSeen, MemoryLeases},
    model::{Presence, Status},
    port::{Acquaintances, LastSeen, Leases, PresenceListener},
};

/// The user of all watching sessions.
const WATCHER: u64 = 999_999;

pub(super) fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

pub(super) fn device(user_id: u64, login: u64) -> Identity {
    Identity { user: user(user_id), login: LoginId::new(login).unwrap() }
}

pub(super) struct Gateway {
    pub(super) tracker: Tracker,
    pub(super) leases: Arc<MemoryLeases>,
    pub(super) is_hanging: Arc<AtomicBool>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Several gateways on one hub.
pub(super) struct Cluster {
    pub(super) hub: Arc<LeaseHub>,
    pub(super) store: Arc<FailingStore>,
    pub(super) strangers: Arc<Strangers>,
    pub(super) last_seen_policy: LastSeenPolicy,
    /// The gateway that cannot be reaped.
    pub(super) unreapable: Arc<Mutex<Option<GatewayId>>>,
    clock: Arc<TestClock>,
    gateways: Vec<Gateway>,
    stop: CancellationToken,
    seed: u64,
}

impl Cluster {
    pub(super) async fn open(gateways: usize) -> Self {
        Self::seeded(gateways, 7).await
    }

    pub(super) async fn seeded(gateways: usize, seed: u64) -> Self {
        let stop = CancellationToken::new();
        let mut cluster = Self {
            hub: LeaseHub::start(&TaskTracker::new(), stop.clone()),
            store: Arc::default(),
            strangers: Arc::default(),
            last_seen_policy: LastSeenPolicy::OnLeave,
            unreapable: Arc::default(),
            clock: Arc::new(TestClock::new(Timestamp::from_millis(1_800_000_000_000), 1)),
            gateways: Vec::new(),
            stop,
            seed,
        };
        for _ in 0..gateways {
            cluster.add_gateway();
        }
        sleep(Duration::from_millis(10)).await;
        cluster
    }

    pub(super) fn add_gateway(&mut self) -> usize {
        let (tasks, stop) = (TaskTracker::new(), self.stop.child_token());
        let (leases, is_hanging) = (Arc::new(self.hub.leases()), Arc::new(AtomicBool::new(false)));
        let parts = TrackerParts {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            leases: Arc::new(HangingLeases {
                leases: leases.clone(),
                is_hanging: Arc::clone(&is_hanging),
                unreapable: Arc::clone(&self.unreapable),
            }),
            last_seen: Arc::clone(&self.store) as Arc<dyn LastSeen>,
            acquaintances: Arc::clone(&self.strangers) as Arc<dyn Acquaintances>,
            last_seen_policy: self.last_seen_policy,
            seed: self.seed + self.gateways.len() as u64,
        };
        let tracker = Tracker::start(parts, &tasks, &stop);
        self.gateways.push(Gateway { tracker, leases, is_hanging, tasks, stop });
        self.gateways.len() - 1
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Kills the gateway's process: nothing reaches the hub any more.
    pub(super) fn kill(&self, gateway: usize) {
        self[gateway].leases.disconnect();
        // Nor does anything reach the store.
        self.store.deny_for(Duration::ZERO);
        self[gateway].stop.cancel();
    }

    /// Stops the gateway and waits for its tasks.
    pub(super) async fn end(&self, gateway: usize) {
        self[gateway].stop.cancel();
        self[gateway].tasks.close();
        self[gateway].tasks.wait().await;
    }

    pub(super) async fn query(&self, gateway: usize, user_id: u64) -> Presence {
        self[gateway].tracker.presence_for(user(WATCHER), &[user(user_id)]).await[0]
    }

    pub(super) async fn stored(&self, user_id: u64) -> Option<Timestamp> {
        self.store.seen.of_users(&[user(user_id)]).await.unwrap()[0]
    }

    pub(super) async fn fields(&self, user_id: u64) -> usize {
        let reading = self.hub.leases().of_users(&[user(user_id)]).await.remove(0);
        reading.unwrap().devices.len()
    }

    /// Opens a session that watches these users, who must be offline.
    pub(super) async fn watch(&self, gateway: usize, users: &[u64]) -> WatchingSession {
        let session = self.session(gateway);
        let users: Vec<_> = users.iter().map(|id| user(*id)).collect();
        let answer = session.watcher.watch(&users).await.unwrap();
        assert!(answer.iter().all(|presence| presence.status == Status::Offline), "{answer:?}");
        session
    }

    pub(super) fn session(&self, gateway: usize) -> WatchingSession {
        let received = Arc::new(Received::default());
        let listener = Arc::clone(&received) as Arc<dyn PresenceListener>;
        WatchingSession {
            watcher: self[gateway].tracker.watcher(user(WATCHER), listener),
            received,
        }
    }
}

impl Index<usize> for Cluster {
    type Output = Gateway;

    fn index(&self, gateway: usize) -> &Gateway {
        &self.gateways[gateway]
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The changes that a session received.
#[derive(Debug, Default)]
pub(super) struct Received {
    presences: Mutex<VecDeque<Presence>>,
    more: Notify,
}

impl PresenceListener for Received {
    fn presence_changed(&self, presence: &Presence) {
        self.presences.lock().unwrap().push_back(*presence);
        self.more.notify_one();
    }
}

pub(super) struct WatchingSession {
    pub(super) watcher: Watcher,
    received: Arc<Received>,
}

impl WatchingSession {
    async fn next(&self) -> Presence {
        loop {
            let received = self.received.presences.lock().unwrap().pop_front();
            if let Some(presence) = received {
                return presence;
            }
            self.received.more.notified().await;
        }
    }

    pub(super) async fn expect(&mut self, id: u64, status: Status, within: Duration) -> Presence {
        let received =
            timeout_at(Instant::now() + within, self.next()).await.expect("no change received");
        assert_eq!((received.user, received.status), (user(id), status));
        received
    }

    pub(super) async fn expect_all(&mut self, expected: &[(u64, Status)], within: Duration) {
        let (end, mut received) = (Instant::now() + within, BTreeMap::new());
        for _ in expected {
            let one = timeout_at(end, self.next()).await.expect("changes are missing");
            received.insert(one.user.get(), one.status);
        }
        assert_eq!(received, expected.iter().copied().collect());
    }

    pub(super) async fn expect_nothing(&mut self, during: Duration) {
        if let Ok(received) = timeout_at(Instant::now() + during, self.next()).await {
            panic!("received {received:?}");
        }
    }

    /// Returns the changes received so far.
    pub(super) fn drain(&self) -> Vec<Presence> {
        self.received.presences.lock().unwrap().drain(..).collect()
    }
}

/// All users know each other except these.
#[derive(Debug, Default)]
pub(super) struct Strangers(pub(super) Mutex<BTreeSet<UserId>>);

#[async_trait]
impl Acquaintances for Strangers {
    async fn may_see(&self, _: UserId, users: &[UserId]) -> Vec<bool> {
        let strangers = self.0.lock().unwrap();
        users.iter().map(|user| !strangers.contains(user)).collect()
    }
}

/// A store of last seen that can fail.
#[derive(Debug, Default)]
pub(super) struct FailingStore {
    seen: MemoryLastSeen,
    denied_until: Mutex<Option<Instant>>,
}

impl FailingStore {
    pub(super) fn deny_for(&self, time: Duration) {
        // Includes the rest of this moment.
        let until = Instant::now() + time + Duration::from_millis(1);
        *self.denied_until.lock().unwrap() = Some(until);
    }

    fn check(&self) -> Result<(), StoreError> {
        let denied = self.denied_until.lock().unwrap().is_some_and(|until| Instant::now() < until);
        if denied { Err(StoreError::Unavailable("denied".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl LastSeen for FailingStore {
    async fn advance(&self, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
        self.check()?;
        self.seen.advance(seen).await
    }

    async fn of_users(&self, users: &[UserId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        self.check()?;
        self.seen.of_users(users).await
    }
}
