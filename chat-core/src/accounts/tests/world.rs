//! What the tests are written with: a registry, its witnesses, and stores that fail on demand.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::mpsc::Receiver;

use super::super::*;
use crate::{
    memory::{MemoryBus, MemoryHub, MemoryStores, PlainPasswords},
    model::LoginSecret,
    port::Arrival,
    time::{TestClock, Timestamp},
};

pub(super) const PASSWORD: &str = "an example password";

/// A registry, and all that it acts upon.
#[derive(Debug)]
pub(super) struct World {
    pub(super) registry: Registry,
    pub(super) witness: Arc<Witness>,
    pub(super) faults: Arc<Faults>,
    pub(super) hints: Receiver<Arrival>,
    _others: MemoryBus,
}

/// Counts password work, and keeps what it was told of revocations.
#[derive(Debug, Default)]
pub(super) struct Witness {
    verified: AtomicUsize,
    told: Mutex<Vec<Identity>>,
}

/// What becomes of the store's next writes; those not listed succeed.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<VecDeque<Fault>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing goes wrong.
    None,
    /// Not done.
    Unavailable,
    /// Not done, and nobody knows.
    UnknownBefore,
    /// Done, and nobody knows.
    UnknownAfter,
}

impl World {
    pub(super) async fn new() -> Self {
        let (stores, witness, hub) =
            (MemoryStores::new(), Arc::<Witness>::default(), MemoryHub::new());
        let (bus, others, faults) = (hub.bus(), hub.bus(), Arc::<Faults>::default());
        others.subscribe(&[Channel::Gateways]).await.unwrap();
        let shaky = Arc::new(Shaky { stores: stores.clone(), faults: Arc::clone(&faults) });
        let registry = Registry::new(
            &Stores { accounts: Arc::<Shaky>::clone(&shaky), logins: shaky, ..stores.clone() },
            Arc::<Witness>::clone(&witness),
            Arc::new(TestClock::new(Timestamp::from_millis(1_800_000_000_000), 1)),
            Arc::new(bus),
            Arc::<Witness>::clone(&witness),
            RefreshKey::from_secret(b"an example secret"),
        );
        let hints = others.arrivals().unwrap();
        Self { registry, witness, faults, hints, _others: others }
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

    /// Whether the login still stands.
    pub(super) async fn stands(&self, grant: &Grant) -> bool {
        let logins = self.registry.logins(grant.identity()).await.unwrap();
        logins.iter().any(|login| login.id == grant.login)
    }

    /// Who was told here and who elsewhere, since the last time; they are always the same.
    pub(super) fn told(&mut self) -> Vec<Identity> {
        let here = std::mem::take(&mut *self.witness.told.lock().unwrap());
        let elsewhere: Vec<_> = std::iter::from_fn(|| self.hints.try_recv().ok())
            .flat_map(|arrival| match arrival {
                Arrival::Hint { payload, .. } => revocations::decode(&payload).unwrap(),
                Arrival::Lost => unreachable!("the hub loses nothing"),
            })
            .collect();
        assert_eq!(here, elsewhere);
        here
    }
}

pub(super) async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

impl Witness {
    pub(super) fn verified(&self) -> usize {
        self.verified.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl Passwords for Witness {
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

impl Revocations for Witness {
    fn revoked(&self, ended: Identity) {
        self.told.lock().unwrap().push(ended);
    }
}

impl Faults {
    pub(super) fn next(&self, faults: &[Fault]) {
        self.0.lock().unwrap().extend(faults);
    }

    async fn strike<T: Send>(
        &self,
        step: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let fault = self.0.lock().unwrap().pop_front().unwrap_or(Fault::None);
        match fault {
            Fault::None => step.await,
            Fault::Unavailable => Err(StoreError::Unavailable("a fault".into())),
            Fault::UnknownBefore => Err(StoreError::Unknown("a fault".into())),
            Fault::UnknownAfter => {
                step.await?;
                Err(StoreError::Unknown("a fault".into()))
            }
        }
    }
}

#[derive(Debug)]
struct Shaky {
    stores: Stores,
    faults: Arc<Faults>,
}

#[async_trait]
impl Accounts for Shaky {
    async fn claim(&self, user: &User, password_hash: &str) -> Result<bool, StoreError> {
        self.faults.strike(self.stores.accounts.claim(user, password_hash)).await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        self.stores.accounts.users(ids).await
    }

    async fn credentials(
        &self,
        username: &Username,
    ) -> Result<Option<(User, Arc<str>)>, StoreError> {
        self.stores.accounts.credentials(username).await
    }

    async fn set_profile(
        &self,
        id: UserId,
        display_name: &str,
    ) -> Result<Option<User>, StoreError> {
        self.faults.strike(self.stores.accounts.set_profile(id, display_name)).await
    }

    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        self.stores.accounts.search(prefix, limit).await
    }
}

#[async_trait]
impl Logins for Shaky {
    async fn open(&self, login: &Login) -> Result<(), StoreError> {
        self.faults.strike(self.stores.logins.open(login)).await
    }

    async fn rotate(
        &self,
        id: LoginId,
        presented: LoginSecret,
        successor: LoginSecret,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let rotate = self.stores.logins.rotate(id, presented, successor, now, expires_at);
        self.faults.strike(rotate).await
    }

    async fn revoke(&self, user: UserId, id: LoginId) -> Result<bool, StoreError> {
        self.faults.strike(self.stores.logins.revoke(user, id)).await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Login>, StoreError> {
        self.stores.logins.list(user, now).await
    }
}
