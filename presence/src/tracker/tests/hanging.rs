//! Leases that can hang: they neither answer nor fail.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use chat_core::{
    id::{GatewayId, UserId},
    model::Identity,
    time::Timestamp,
};
use tokio::sync::mpsc::Receiver;

use crate::{
    memory::MemoryLeases,
    model::Reading,
    port::{Change, Leases, LeasesError, Publication, Renewal, Term},
};

/// Leases in memory that hang while `is_hanging` is set and refuse to reap one gateway.
#[derive(Debug)]
pub(super) struct HangingLeases {
    pub(super) leases: Arc<MemoryLeases>,
    pub(super) is_hanging: Arc<AtomicBool>,
    pub(super) unreapable: Arc<Mutex<Option<GatewayId>>>,
}

impl HangingLeases {
    async fn leases(&self) -> &MemoryLeases {
        if self.is_hanging.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        &self.leases
    }
}

#[async_trait]
impl Leases for HangingLeases {
    async fn renew(
        &self,
        gateway: GatewayId,
        at: Timestamp,
        term: Term,
    ) -> Result<Renewal, LeasesError> {
        self.leases().await.renew(gateway, at, term).await
    }

    async fn join(&self, gateway: GatewayId, devices: &[Publication]) -> Result<(), LeasesError> {
        self.leases().await.join(gateway, devices).await
    }

    async fn leave(&self, gateway: GatewayId, devices: &[Identity]) -> Result<(), LeasesError> {
        self.leases().await.leave(gateway, devices).await
    }

    async fn of_users(&self, users: &[UserId]) -> Vec<Option<Reading>> {
        self.leases().await.of_users(users).await
    }

    async fn reap(
        &self,
        gateway: GatewayId,
        stored: &[UserId],
    ) -> Result<Vec<UserId>, LeasesError> {
        if *self.unreapable.lock().unwrap() == Some(gateway) {
            return Err(LeasesError("this gateway cannot be reaped".to_owned()));
        }
        self.leases().await.reap(gateway, stored).await
    }

    async fn watch(&self, users: &[UserId]) {
        self.leases().await.watch(users).await;
    }

    async fn unwatch(&self, users: &[UserId]) {
        self.leases().await.unwatch(users).await;
    }

    fn changes(&self) -> Option<Receiver<Change>> {
        self.leases.changes()
    }
}
