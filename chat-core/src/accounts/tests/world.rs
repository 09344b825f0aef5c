//! The fixtures: a registry, recorders of its effects, and stores that fail on demand.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::mpsc::Receiver;

use super::super::*;
use crate::{
    faults::{self, Call, Disturb, Disturbance, Fault},
    memory::{MemoryBus, MemoryHub, MemoryStores, PlainPasswords},
    port::Arrival,
    time::{TestClock, Timestamp},
};

pub(super) const PASSWORD: &str = "an example password";

/// A registry and everything that it acts on.
#[derive(Debug)]
pub(super) struct World {
    pub(super) registry: Registry,
    pub(super) recorder: Arc<Recorder>,
    pub(super) faults: Arc<Faults>,
    pub(super) hints: Receiver<Arrival>,
    _others: MemoryBus,
}

/// Counts password verifications and records revocations.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    verified: AtomicUsize,
    revoked: Mutex<Vec<Identity>>,
}

/// What happens to the store's next writes and searches. Further ones succeed.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<VecDeque<Option<Fault>>>);

pub(super) const FINE: Option<Fault> = None;
pub(super) const UNAVAILABLE: Option<Fault> = Some(Fault::Unavailable);
pub(super) const ANSWER_LOST: Option<Fault> = Some(Fault::AnswerLost);
pub(super) const REQUEST_LOST: Option<Fault> = Some(Fault::RequestLost(Duration::ZERO));

impl World {
    pub(super) async fn new() -> Self {
        Self::on(MemoryStores::new()).await
    }

    /// Makes a registry on these stores. All of them make the same ids.
    pub(super) async fn on(stores: Stores) -> Self {
        let recorder = Arc::<Recorder>::default();
        let faults = Arc::<Faults>::default();
        let hub = MemoryHub::new();
        let bus = hub.bus();
        let others = hub.bus();
        others.subscribe(&[Channel::Gateways]).await.unwrap();
        let wrapper = faults::Faults::new();
        wrapper.set_disturb(faults.clone());
        let registry = Registry::new(
            &wrapper.stores(&stores),
            Arc::<Recorder>::clone(&recorder),
            Arc::new(TestClock::new(Timestamp::from_millis(1_800_000_000_000), 1)),
            Arc::new(bus),
            Arc::<Recorder>::clone(&recorder),
            RefreshKey::from_secret(b"an example secret"),
            AccountSettings {
                refused_for: Duration::from_secs(605),
                login_age_max: Duration::from_secs(90 * 24 * 3_600),
                reserved_names: vec!["admin".to_owned()],
            },
        );
        let hints = others.arrivals().unwrap();
        Self { registry, recorder, faults, hints, _others: others }
    }

    pub(super) async fn ada(&self) -> (User, Grant) {
        self.registry.register("ada", PASSWORD, None, None).await.unwrap()
    }

    pub(super) async fn log_in(&self) -> Grant {
        self.registry.log_in("ada", PASSWORD, None).await.unwrap().1
    }

    pub(super) async fn refresh(&self, grant: &Grant) -> Result<Grant, ChatError> {
        self.registry.refresh(&grant.refresh_token.reveal()).await
    }

    /// Records a use of the grant's access token.
    pub(super) async fn use_token(&self, grant: &Grant) {
        let generation = grant.generation.expect("a refreshed grant");
        self.registry.mark_used(grant.login, generation).await.unwrap();
    }

    /// Returns the ended logins that the store keeps now.
    pub(super) async fn kept(&self) -> Vec<Identity> {
        let kept = self.registry.logins.ended(self.registry.clock.now()).await.unwrap();
        kept.into_iter().map(|ended| ended.identity).collect()
    }

    /// Returns true if the login has not ended.
    pub(super) async fn is_active(&self, grant: &Grant) -> bool {
        let logins = self.registry.logins(grant.identity()).await.unwrap();
        logins.iter().any(|login| login.id == grant.login)
    }

    /// Returns the logins revoked since the last call, after checking that this gateway and the
    /// others were told of the same ones.
    pub(super) fn broadcast(&mut self) -> Vec<Identity> {
        let here = std::mem::take(&mut *self.recorder.revoked.lock());
        let elsewhere: Vec<_> = std::iter::from_fn(|| self.hints.try_recv().ok())
            .flat_map(|arrival| match arrival {
                Arrival::Hint { payload, .. } => revocations::decode(&payload).unwrap(),
                Arrival::Lost => unreachable!("the hub has no faults"),
            })
            .collect();
        assert_eq!(here, elsewhere);
        here
    }
}

pub(super) async fn advance(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

impl Recorder {
    pub(super) fn verified(&self) -> usize {
        self.verified.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl Passwords for Recorder {
    async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        PlainPasswords.hash(password).await
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        self.verified.fetch_add(1, Ordering::Relaxed);
        match password {
            "busy, busy" => Err(PasswordError::Busy),
            _ => PlainPasswords.verify(password, hash).await,
        }
    }
}

impl Revocations for Recorder {
    fn revoked(&self, ended: Identity) {
        self.revoked.lock().push(ended);
    }
}

impl Faults {
    pub(super) fn next(&self, faults: &[Option<Fault>]) {
        self.0.lock().extend(faults);
    }
}

impl Disturb for Faults {
    fn next(&self, call: Call) -> Disturbance {
        let is_search = matches!(call, Call::SearchNames | Call::SearchWords);
        let fault =
            if call.is_write() || is_search { self.0.lock().pop_front().flatten() } else { FINE };
        Disturbance { fault, ..Disturbance::default() }
    }
}
