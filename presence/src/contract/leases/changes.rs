//! The contract of the leases about changes.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    super::fresh,
    fixture::{SettledLeases, device, online},
};
use crate::{
    limits::{DEPART_GRACE, LEASE_CHECK_EVERY},
    model::Activity,
    port::{Change, Leases, Publication, Term},
};

const PATIENCE: Duration = Duration::from_secs(4);
const SILENCE: Duration = Duration::from_millis(500);

/// Returns the next change. Skips `Lost`, which may stem from before the watch.
async fn next(changes: &mut Receiver<Change>) -> Change {
    loop {
        let change = timeout(PATIENCE, changes.recv()).await.expect("no change arrived").unwrap();
        if change != Change::Lost {
            return change;
        }
    }
}

async fn assert_silent(changes: &mut Receiver<Change>) {
    let end = Instant::now() + SILENCE;
    while let Ok(change) = timeout_at(end, changes.recv()).await {
        assert_eq!(change, Some(Change::Lost));
    }
}

/// Every gateway that watches the user receives joins, changes and leaves, including the gateway
/// that made them. No other gateway does.
pub async fn change_reaches_every_watching_gateway(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (gateway, phone, other) = (fixture.gateway().await, device(), device());
    let (mut one, mut two) = (leases[0].changes().unwrap(), leases[1].changes().unwrap());
    leases[0].watch(&[phone.user]).await;
    leases[1].watch(&[phone.user, fresh()]).await;
    let away = Publication { activity: Activity::Away, ..online(phone, 2) };
    for joins in [&[online(other, 1), online(phone, 1)][..], &[away]] {
        leases[0].join(gateway, joins).await.unwrap();
        assert_eq!(next(&mut one).await, Change::User(phone.user));
        assert_eq!(next(&mut two).await, Change::User(phone.user));
    }
    leases[0].leave(gateway, &[phone]).await.unwrap();
    assert_eq!(next(&mut two).await, Change::User(phone.user));
    assert_silent(&mut two).await;
}

/// Publishing the same devices again sends no change.
pub async fn no_change_is_sent_when_nothing_changed(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (gateway, phone) = (fixture.gateway().await, device());
    let mut changes = leases[1].changes().unwrap();
    leases[1].watch(&[phone.user]).await;
    leases[0].join(gateway, &[online(phone, 1)]).await.unwrap();
    assert_eq!(next(&mut changes).await, Change::User(phone.user));
    leases[0].join(gateway, &[online(phone, 1)]).await.unwrap();
    leases[0].leave(gateway, &[device()]).await.unwrap();
    assert_silent(&mut changes).await;
}

/// Watching ends, perhaps after a moment.
pub async fn no_change_is_sent_after_unwatch(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (gateway, phone, laptop) = (fixture.gateway().await, device(), device());
    let mut changes = leases[1].changes().unwrap();
    leases[1].watch(&[phone.user, laptop.user]).await;
    leases[1].unwatch(&[phone.user]).await;
    sleep(SILENCE).await;
    leases[0].join(gateway, &[online(phone, 1), online(laptop, 1)]).await.unwrap();
    assert_eq!(next(&mut changes).await, Change::User(laptop.user));
    assert_silent(&mut changes).await;
}

/// Every gateway is notified in time when a gateway ends.
pub async fn end_of_a_gateway_reaches_all_gateways(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (gateway, phone) = (fixture.gateway().await, device());
    let (mut one, mut two) = (leases[0].changes().unwrap(), leases[1].changes().unwrap());
    leases[0].join(gateway, &[online(phone, 1)]).await.unwrap();
    fixture.renew(gateway, 1, Term::Last).await;
    fixture.pass(DEPART_GRACE).await;
    let notified = async {
        assert_eq!(next(&mut one).await, Change::Ended(gateway));
        assert_eq!(next(&mut two).await, Change::Ended(gateway));
    };
    timeout(LEASE_CHECK_EVERY + Duration::from_secs(1), notified)
        .await
        .expect("not notified in time");
}

/// There is one stream of changes for each gateway.
pub async fn stream_of_changes_is_returned_once(leases: &[Arc<dyn Leases>]) {
    assert!(leases[0].changes().is_some());
    assert!(leases[0].changes().is_none());
    assert!(leases[1].changes().is_some());
}
