//! What the promises of the leases have in common.

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
    port::{Leases, Publication, Renewed, Term},
};

/// Leases that are settled, because one gateway beats.
pub(super) struct Scene<'a> {
    leases: &'a [Arc<dyn Leases>],
    beating: GatewayId,
}

impl<'a> Scene<'a> {
    pub(super) async fn open(leases: &'a [Arc<dyn Leases>]) -> Self {
        let scene = Self { leases, beating: fresh() };
        scene.renew(scene.beating, 0, Term::First).await;
        let nobody = [fresh()];
        let mut waited = Duration::ZERO;
        while !leases[1].of_users(&nobody).await[0].as_ref().unwrap().whole {
            assert!(waited <= SETTLE_FOR + RETRY_AFTER, "absences are believed in time");
            scene.pass(RETRY_AFTER).await;
            waited += RETRY_AFTER;
        }
        scene
    }

    pub(super) async fn renew(&self, gateway: GatewayId, millis: i64, term: Term) -> Renewed {
        self.leases[0].renew(gateway, at(millis), term).await.unwrap()
    }

    /// A gateway whose lease has begun.
    pub(super) async fn gateway(&self) -> GatewayId {
        let gateway = fresh();
        assert_eq!(self.renew(gateway, 0, Term::First).await, Renewed::Lives);
        gateway
    }

    /// What another gateway reads of this user.
    pub(super) async fn read(&self, user: UserId) -> Vec<Device> {
        self.leases[1].of_users(&[user]).await.remove(0).unwrap().devices
    }

    /// Lets the time pass while one gateway beats.
    pub(super) async fn pass(&self, mut time: Duration) {
        while !time.is_zero() {
            let step = time.min(RENEW_EVERY);
            sleep(step).await;
            time -= step;
            assert_eq!(self.renew(self.beating, 0, Term::Next).await, Renewed::Lives);
        }
    }
}

/// A time in which a last term has ended, also by a slow clock.
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
