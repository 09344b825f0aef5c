//! The fixture of the contract of the leases.

use std::{sync::Arc, time::Duration};

use chat_core::{
    id::{GatewayId, UserId},
    model::Identity,
};
use tokio::time::sleep;

use super::super::{at, fresh};
use crate::{
    limits::{DEPART_GRACE, RENEW_EVERY, RETRY_AFTER, SETTLE_FOR},
    model::{Activity, Device},
    port::{Leases, Publication, Renewal, Term},
};

/// Leases on which absences are believed, because one gateway renews all the time.
pub(super) struct SettledLeases<'a> {
    leases: &'a [Arc<dyn Leases>],
    heartbeat: GatewayId,
}

impl<'a> SettledLeases<'a> {
    pub(super) async fn open(leases: &'a [Arc<dyn Leases>]) -> Self {
        let fixture = Self { leases, heartbeat: fresh() };
        fixture.renew(fixture.heartbeat, 0, Term::First).await;
        let nobody = [fresh()];
        let mut waited = Duration::ZERO;
        while !leases[1].of_users(&nobody).await[0].as_ref().unwrap().is_complete {
            assert!(waited <= SETTLE_FOR + RETRY_AFTER, "absences are not believed in time");
            fixture.pass(RETRY_AFTER).await;
            waited += RETRY_AFTER;
        }
        fixture
    }

    pub(super) async fn renew(&self, gateway: GatewayId, millis: i64, term: Term) -> Renewal {
        self.leases[0].renew(gateway, at(millis), term).await.unwrap()
    }

    /// Begins the lease of one more gateway and returns its id.
    pub(super) async fn gateway(&self) -> GatewayId {
        let gateway = fresh();
        assert_eq!(self.renew(gateway, 0, Term::First).await, Renewal::Alive);
        gateway
    }

    /// Returns the user's devices as another gateway reads them.
    pub(super) async fn read(&self, user: UserId) -> Vec<Device> {
        self.leases[1].of_users(&[user]).await.remove(0).unwrap().devices
    }

    /// Waits while one gateway renews its lease.
    pub(super) async fn pass(&self, mut time: Duration) {
        while !time.is_zero() {
            let step = time.min(RENEW_EVERY);
            sleep(step).await;
            time -= step;
            assert_eq!(self.renew(self.heartbeat, 0, Term::Next).await, Renewal::Alive);
        }
    }
}

/// Returns a time after which a lease shortened by [`Term::Last`] has ended, even by a slow clock.
pub(super) const fn after_the_grace() -> Duration {
    DEPART_GRACE.saturating_add(Duration::from_millis(200))
}

pub(super) fn device() -> Identity {
    Identity { user: fresh(), login: fresh() }
}

pub(super) fn devices(count: usize) -> Vec<Identity> {
    (0..count).map(|_| device()).collect()
}

pub(super) const fn online(device: Identity, since: i64) -> Publication {
    Publication { device, activity: Activity::Online, since: at(since) }
}
