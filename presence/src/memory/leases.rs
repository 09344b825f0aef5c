//! Leases in memory: several gateways share one hub. Tests can make the hub fail or forget, and cut
//! gateways off from it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use chat_core::{
    id::{GatewayId, UserId},
    model::Identity,
    time::Timestamp,
};
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::records::Records;
use crate::{
    limits::{CHANGES_MAX, LEASE_CHECK_EVERY},
    model::Reading,
    port::{Change, Leases, LeasesError, Publication, Renewal, Term},
};

mod records;

/// The leases that several gateways of one process share, each through [`MemoryLeases`].
#[derive(Debug)]
pub struct LeaseHub {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    records: Records,
    is_available: bool,
    listeners: Vec<Listener>,
}

/// One gateway's side of the hub.
#[derive(Debug)]
struct Listener {
    changes: Sender<Change>,
    watched: HashSet<UserId>,
    /// The gateway reaches the hub.
    is_connected: bool,
    /// A change found no room, and no `Lost` was sent for it yet.
    has_lost: bool,
    /// The ended gateways of which it was notified.
    notified_ended: HashSet<GatewayId>,
}

impl LeaseHub {
    /// Creates a hub, which looks for ended leases until `stop`.
    pub fn start(tasks: &TaskTracker, stop: CancellationToken) -> Arc<Self> {
        let state =
            State { records: Records::default(), is_available: true, listeners: Vec::new() };
        let hub = Arc::new(Self { started: Instant::now(), state: Mutex::new(state) });
        let checked = Arc::clone(&hub);
        let check_forever = async move {
            let mut ticks = interval(LEASE_CHECK_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                checked.state.lock().notify_ended(checked.started.elapsed());
            }
        };
        tasks.spawn(stop.run_until_cancelled_owned(check_forever));
        hub
    }

    /// Returns the leases of one more gateway.
    pub fn leases(self: &Arc<Self>) -> MemoryLeases {
        let (changes, arrivals) = mpsc::channel(CHANGES_MAX);
        let mut state = self.state.lock();
        state.listeners.push(Listener {
            changes,
            watched: HashSet::new(),
            is_connected: true,
            has_lost: false,
            notified_ended: HashSet::new(),
        });
        let index = state.listeners.len() - 1;
        MemoryLeases { hub: Arc::clone(self), index, arrivals: Mutex::new(Some(arrivals)) }
    }

    /// Makes the hub unavailable to all gateways.
    pub fn fail(&self) {
        let mut state = self.state.lock();
        state.is_available = false;
        state.notify_all(Change::Lost);
    }

    /// Makes the hub available again, with everything it knew.
    pub fn restore(&self) {
        let mut state = self.state.lock();
        state.is_available = true;
        state.notify_all(Change::Lost);
    }

    /// Forgets everything, like a server that restarts without its memory.
    pub fn forget(&self) {
        self.state.lock().records = Records::after_a_loss();
    }

    /// Forgets the devices but not the leases, like a replica that was promoted a moment behind.
    pub fn forget_devices(&self) {
        self.state.lock().records.forget_devices();
    }
}

impl State {
    fn notify_all(&mut self, change: Change) {
        for listener in &mut self.listeners {
            listener.notify(change);
        }
    }

    fn notify_watchers(&mut self, user: UserId) {
        for listener in self.listeners.iter_mut().filter(|l| l.watched.contains(&user)) {
            listener.notify(Change::User(user));
        }
    }

    fn notify_ended(&mut self, now: Duration) {
        if !self.is_available {
            return;
        }
        let ended = self.records.ended(now);
        for listener in self.listeners.iter_mut().filter(|l| l.is_connected) {
            listener.notified_ended.retain(|gateway| ended.contains(gateway));
            listener.notify_ended(&ended);
            listener.flush_lost();
        }
    }
}

impl Listener {
    /// Sends the end of each lease once.
    fn notify_ended(&mut self, ended: &[GatewayId]) {
        for gateway in ended {
            if self.notified_ended.insert(*gateway) {
                self.notify(Change::Ended(*gateway));
            }
        }
    }

    fn notify(&mut self, change: Change) {
        if self.is_connected && self.flush_lost() {
            self.has_lost = self.changes.try_send(change).is_err();
        }
        // Ended gateways are sent again until there is room.
        if self.has_lost
            && let Change::Ended(gateway) = change
        {
            self.notified_ended.remove(&gateway);
        }
    }

    /// Sends `Lost` for changes that found no room. Returns true if there is room now.
    fn flush_lost(&mut self) -> bool {
        if self.has_lost {
            self.has_lost = self.changes.try_send(Change::Lost).is_err();
        }
        !self.has_lost
    }
}

/// One gateway's access to a [`LeaseHub`].
#[derive(Debug)]
pub struct MemoryLeases {
    hub: Arc<LeaseHub>,
    index: usize,
    arrivals: Mutex<Option<Receiver<Change>>>,
}

impl MemoryLeases {
    /// Cuts the connection between this gateway and the hub.
    pub fn disconnect(&self) {
        let mut state = self.hub.state.lock();
        state.listeners[self.index].notify(Change::Lost);
        state.listeners[self.index].is_connected = false;
    }

    /// Restores the connection to the hub.
    pub fn reconnect(&self) {
        let mut state = self.hub.state.lock();
        state.listeners[self.index].is_connected = true;
        state.listeners[self.index].notify(Change::Lost);
    }

    /// Returns the hub's state and time, or an error if the hub is unavailable.
    fn reach(&self) -> Result<(MutexGuard<'_, State>, Duration), LeasesError> {
        let state = self.hub.state.lock();
        if state.is_available && state.listeners[self.index].is_connected {
            Ok((state, self.hub.started.elapsed()))
        } else {
            Err(LeasesError("the hub is unavailable".to_owned()))
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
    ) -> Result<Renewal, LeasesError> {
        let (mut state, now) = self.reach()?;
        Ok(state.records.renew(gateway, at, term, now))
    }

    async fn join(&self, gateway: GatewayId, devices: &[Publication]) -> Result<(), LeasesError> {
        let (mut state, _) = self.reach()?;
        for publication in devices {
            if state.records.join(gateway, publication) {
                state.notify_watchers(publication.device.user);
            }
        }
        Ok(())
    }

    async fn leave(&self, gateway: GatewayId, devices: &[Identity]) -> Result<(), LeasesError> {
        let (mut state, _) = self.reach()?;
        for device in devices {
            if state.records.leave(gateway, *device) {
                state.notify_watchers(device.user);
            }
        }
        Ok(())
    }

    async fn of_users(&self, users: &[UserId]) -> Vec<Option<Reading>> {
        let reached = self.reach().ok();
        let read = |user| reached.as_ref().map(|(state, now)| state.records.read(user, *now));
        users.iter().map(|user| read(*user)).collect()
    }

    async fn reap(
        &self,
        gateway: GatewayId,
        stored: &[UserId],
    ) -> Result<Vec<UserId>, LeasesError> {
        let (mut state, now) = self.reach()?;
        Ok(state.records.reap(gateway, stored, now))
    }

    async fn watch(&self, users: &[UserId]) {
        self.hub.state.lock().listeners[self.index].watched.extend(users);
    }

    async fn unwatch(&self, users: &[UserId]) {
        let mut state = self.hub.state.lock();
        for user in users {
            state.listeners[self.index].watched.remove(user);
        }
    }

    fn changes(&self) -> Option<Receiver<Change>> {
        self.arrivals.lock().take()
    }
}
