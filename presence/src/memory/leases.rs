//! Leases in memory: several gateways on one hub, which can fail, forget, and be cut off.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chat_core::{
    id::{GatewayId, UserId},
    model::Identity,
    time::Timestamp,
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::records::Records;
use crate::{
    limits::{CHANGES_MAX, LEASE_CHECK_EVERY},
    model::Reading,
    port::{Change, Leases, LeasesError, Publication, Renewed, Term},
};

mod records;

/// What several gateways of one process share; each has a [`MemoryLeases`] on it.
pub struct MemoryHub {
    began: Instant,
    state: Mutex<State>,
}

struct State {
    records: Records,
    available: bool,
    listeners: Vec<Listener>,
}

/// One gateway's side of the hub.
struct Listener {
    changes: Sender<Change>,
    watched: HashSet<UserId>,
    /// Whether the gateway reaches the hub.
    connected: bool,
    /// Whether a change found no room since the last one that did.
    lost: bool,
    /// The ended gateways it was told of.
    told: HashSet<GatewayId>,
}

impl MemoryHub {
    /// A hub that looks for ended leases until `stop`.
    pub fn start(tasks: &TaskTracker, stop: CancellationToken) -> Arc<Self> {
        let began = Instant::now();
        let state = State { records: Records::default(), available: true, listeners: Vec::new() };
        let hub = Arc::new(Self { began, state: Mutex::new(state) });
        let checked = Arc::clone(&hub);
        tasks.spawn(async move {
            stop.run_until_cancelled(checked.check_for_ever()).await;
        });
        hub
    }

    /// A gateway's access to the hub.
    pub fn leases(self: &Arc<Self>) -> MemoryLeases {
        let (changes, arrivals) = mpsc::channel(CHANGES_MAX);
        let mut state = self.lock();
        state.listeners.push(Listener {
            changes,
            watched: HashSet::new(),
            connected: true,
            lost: false,
            told: HashSet::new(),
        });
        let index = state.listeners.len() - 1;
        MemoryLeases { hub: Arc::clone(self), index, arrivals: Mutex::new(Some(arrivals)) }
    }

    /// From now on nobody reaches the hub.
    pub fn fail(&self) {
        let mut state = self.lock();
        state.available = false;
        state.tell_all(Change::Lost);
    }

    /// The hub can be reached again; what it knew it knows still.
    pub fn restore(&self) {
        let mut state = self.lock();
        state.available = true;
        state.tell_all(Change::Lost);
    }

    /// Everything is forgotten, as by a server that begins again without its memory.
    pub fn forget(&self) {
        self.lock().records = Records::after_a_loss();
    }

    /// The devices are forgotten but not the leases, as by a server that was a moment behind the
    /// one whose place it takes.
    pub fn forget_devices(&self) {
        self.lock().records.forget_devices();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn check_for_ever(&self) {
        let mut ticks = interval(LEASE_CHECK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.lock().check(self.began.elapsed());
        }
    }
}

impl fmt::Debug for MemoryHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHub").field("began", &self.began).finish_non_exhaustive()
    }
}

impl State {
    fn tell_all(&mut self, change: Change) {
        for listener in &mut self.listeners {
            listener.tell(change);
        }
    }

    fn tell_watchers(&mut self, user: UserId) {
        for listener in self.listeners.iter_mut().filter(|l| l.watched.contains(&user)) {
            listener.tell(Change::User(user));
        }
    }

    fn check(&mut self, now: std::time::Duration) {
        if !self.available {
            return;
        }
        let ended = self.records.ended(now);
        for listener in self.listeners.iter_mut().filter(|l| l.connected) {
            listener.tell_ended(&ended);
        }
    }
}

impl Listener {
    fn tell_ended(&mut self, ended: &[GatewayId]) {
        self.told.retain(|gateway| ended.contains(gateway));
        for gateway in ended {
            if self.told.insert(*gateway) {
                self.tell(Change::Ended(*gateway));
            }
        }
        self.catch_up();
    }

    fn tell(&mut self, change: Change) {
        if self.connected && self.catch_up() {
            self.lost = self.changes.try_send(change).is_err();
        }
        // What an ended gateway left is told again until it was heard.
        if self.lost
            && let Change::Ended(gateway) = change
        {
            self.told.remove(&gateway);
        }
    }

    /// Tells what found no room as `Lost`; says whether there is room now.
    fn catch_up(&mut self) -> bool {
        if self.lost {
            self.lost = self.changes.try_send(Change::Lost).is_err();
        }
        !self.lost
    }
}

/// One gateway's access to a [`MemoryHub`].
#[derive(Debug)]
pub struct MemoryLeases {
    hub: Arc<MemoryHub>,
    index: usize,
    arrivals: Mutex<Option<Receiver<Change>>>,
}

impl MemoryLeases {
    /// From now on this gateway does not reach the hub, nor the hub this gateway: it was killed,
    /// or the way between them is cut.
    pub fn cut(&self) {
        let mut state = self.hub.lock();
        state.listeners[self.index].tell(Change::Lost);
        state.listeners[self.index].connected = false;
    }

    /// The way to the hub is there again.
    pub fn mend(&self) {
        let mut state = self.hub.lock();
        state.listeners[self.index].connected = true;
        state.listeners[self.index].tell(Change::Lost);
    }

    /// The hub's state and time, if it can be reached.
    fn reach(&self) -> Result<(MutexGuard<'_, State>, std::time::Duration), LeasesError> {
        let state = self.hub.lock();
        if state.available && state.listeners[self.index].connected {
            Ok((state, self.hub.began.elapsed()))
        } else {
            Err(LeasesError("the hub cannot be reached".to_owned()))
        }
    }
}

#[async_trait]
impl Leases for MemoryLeases {
    async fn renew(
        &self,
        gateway: GatewayId,
        at: Timestamp,
        term: Term,
    ) -> Result<Renewed, LeasesError> {
        let (mut state, now) = self.reach()?;
        Ok(state.records.renew(gateway, at, term, now))
    }

    async fn join(&self, gateway: GatewayId, devices: &[Publication]) -> Result<(), LeasesError> {
        let (mut state, _) = self.reach()?;
        for publication in devices {
            if state.records.join(gateway, publication) {
                state.tell_watchers(publication.device.user);
            }
        }
        Ok(())
    }

    async fn leave(&self, gateway: GatewayId, devices: &[Identity]) -> Result<(), LeasesError> {
        let (mut state, _) = self.reach()?;
        for device in devices {
            if state.records.leave(gateway, *device) {
                state.tell_watchers(device.user);
            }
        }
        Ok(())
    }

    async fn of_users(&self, users: &[UserId]) -> Vec<Option<Reading>> {
        let reached = self.reach().ok();
        let read = |user| reached.as_ref().map(|(state, now)| state.records.read(user, *now));
        users.iter().map(|user| read(*user)).collect()
    }

    async fn bury(&self, gateway: GatewayId, kept: &[UserId]) -> Result<Vec<UserId>, LeasesError> {
        let (mut state, now) = self.reach()?;
        Ok(state.records.bury(gateway, kept, now))
    }

    async fn watch(&self, users: &[UserId]) {
        self.hub.lock().listeners[self.index].watched.extend(users);
    }

    async fn unwatch(&self, users: &[UserId]) {
        let mut state = self.hub.lock();
        for user in users {
            state.listeners[self.index].watched.remove(user);
        }
    }

    fn changes(&self) -> Option<Receiver<Change>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
