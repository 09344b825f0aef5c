//! One gateway: it starts, is killed, and starts again on the same machine.

use std::{sync::Arc, time::Duration};

use chat_core::{
    accounts::{AccountSettings, RefreshKey, Registry},
    budget::Unread,
    chat::Chat,
    consent::ConsentRules,
    faults::Faults,
    id::IdMark,
    limits::{ACCESS_TTL_DEFAULT, LOGIN_AGE_MAX_DEFAULT, UNREAD_BYTES_DEFAULT},
    memory::{MemoryBus, MemoryHub, PlainPasswords},
    ports::Ports,
    random::SeededRandom,
    revocations::RevokedLogins,
    time::{Clock, SteadyClock},
};
use fastrand::Rng;
use parking_lot::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::{IssuedIds, SimulatedTime, Skew, SkewedClock},
    plan::Plan,
    store::SharedStore,
    trouble::{Disturber, StoreTrouble},
    wire::Wire,
};

/// What all gateways share.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) plan: Plan,
    pub(crate) time: SimulatedTime,
    pub(crate) store: SharedStore,
    pub(crate) trouble: Arc<StoreTrouble>,
    pub(crate) hub: MemoryHub,
    pub(crate) wire: Arc<Wire>,
    pub(crate) issued: Arc<IssuedIds>,
    pub(crate) tasks: TaskTracker,
}

/// One machine, and the gateway that runs on it.
#[derive(Debug)]
pub(crate) struct Site {
    node: u16,
    pub(crate) skew: Arc<Skew>,
    mark: Arc<Mutex<IdMark>>,
    rng: Mutex<Rng>,
    running: Mutex<Option<Arc<Running>>>,
}

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Running {
    /// The gateway's name, another one after each start.
    pub(crate) name: String,
    pub(crate) chat: Arc<Chat>,
    pub(crate) registry: Registry,
    pub(crate) bus: Arc<MemoryBus>,
    pub(crate) clock: Arc<SkewedClock>,
    pub(crate) killed: CancellationToken,
    disturber: Arc<Disturber>,
}

impl Site {
    pub(crate) fn new(node: u16, rng: Rng) -> Self {
        Self {
            node,
            skew: Arc::default(),
            mark: Arc::default(),
            rng: Mutex::new(rng),
            running: Mutex::default(),
        }
    }

    /// Returns the gateway, if it runs.
    pub(crate) fn running(&self) -> Option<Arc<Running>> {
        self.running.lock().clone()
    }

    /// Starts the gateway as `gateway::assembly` does.
    pub(crate) async fn start(&self, around: &Surroundings) {
        let Surroundings { plan, time, store, trouble, hub, wire, issued, tasks } = around;
        let stores = store.stores();
        let (skew, mark) = (self.skew.clone(), self.mark.clone());
        let clock = Arc::new(SkewedClock::new(self.node, *time, skew, mark, issued.clone()));
        let revoked = RevokedLogins::new(ACCESS_TTL_DEFAULT);
        let now = clock.now();
        for ended in stores.logins.ended(now).await.unwrap_or_default() {
            revoked.insert_stored(ended, now);
        }
        let rng = self.rng.lock().fork();
        let name = format!("gateway-{}.{}", self.node, time.ms());
        let disturber = Arc::new(Disturber::new(plan.store, trouble.clone(), rng));
        let faults = Faults::new();
        faults.set_disturb(disturber.clone());
        let stores = faults.stores(&stores);
        let bus = Arc::new(hub.bus());
        let killed = CancellationToken::new();
        let floor = self.mark.lock().reached();
        let ports = Ports {
            stores: stores.clone(),
            bus: bus.clone(),
            search: None,
            clock: Arc::new(SteadyClock::new(clock.clone(), floor)),
            wall_clock: clock.clone(),
            random: Arc::new(SeededRandom::new(0)),
            encode: wire.clone(),
        };
        let chat = Chat::start(
            ports,
            revoked,
            Unread::new(UNREAD_BYTES_DEFAULT),
            ConsentRules { requests: plan.requests, ..ConsentRules::default() },
            tasks.clone(),
            killed.clone(),
        );
        let registry = Registry::new(
            &stores,
            Arc::new(PlainPasswords),
            clock.clone(),
            bus.clone(),
            chat.clone(),
            RefreshKey::from_secret(b"simulation"),
            AccountSettings {
                refused_for: ACCESS_TTL_DEFAULT + Duration::from_secs(5),
                login_age_max: LOGIN_AGE_MAX_DEFAULT,
                reserved_names: Vec::new(),
            },
        );
        let running = Running { name, chat, registry, bus, clock, killed, disturber };
        *self.running.lock() = Some(Arc::new(running));
    }

    /// Kills the gateway: from now on it neither answers nor has any effect.
    pub(crate) fn kill(&self) {
        if let Some(running) = self.running.lock().take() {
            running.disturber.kill();
            running.bus.cut_off();
            running.killed.cancel();
        }
    }
}
