//! The contract of [`Leases`] while they are available. A test takes up to half a minute of real
//! time, and no time when the time is paused.

mod changes;
mod fixture;

use std::{collections::BTreeSet, sync::Arc};

use chat_core::id::{GatewayId, UserId};

pub use self::changes::{
    change_reaches_every_watching_gateway, end_of_a_gateway_reaches_all_gateways,
    no_change_is_sent_after_unwatch, no_change_is_sent_when_nothing_changed,
    stream_of_changes_is_returned_once,
};
use self::fixture::{SettledLeases, after_the_grace, device, online};
use super::{at, fresh};
use crate::{
    limits::{LEASE_TTL, PUBLISH_MAX, READ_MAX, REAP_MAX, RENEW_EVERY},
    model::{Activity, Lease},
    port::{Leases, Publication, Renewal, Term},
};

/// Makes one test of each promise of the leases. `open` is the path of an
/// `async fn() -> (guard, Vec<Arc<dyn Leases>>)`. It returns the leases of at least two gateways,
/// which share them with no other gateway and have not taken their changes. The guard is dropped
/// after the test.
#[macro_export]
macro_rules! leases_contract {
    ($open:path) => {
        $crate::leases_contract!(@tests $open;
            device_shows_the_last_renewal_when_its_lease_ended;
            lease_stays_alive_while_it_is_renewed;
            ended_lease_is_never_renewed;
            lease_is_not_renewed_when_it_never_began;
            second_join_replaces_the_first;
            leave_removes_only_that_device;
            readings_are_in_the_order_of_the_users;
            many_devices_are_written_and_read_in_one_call;
            ended_gateway_is_reaped_page_by_page;
            gateway_is_not_reaped_while_its_lease_is_alive;
            change_reaches_every_watching_gateway;
            no_change_is_sent_when_nothing_changed;
            no_change_is_sent_after_unwatch;
            end_of_a_gateway_reaches_all_gateways;
            stream_of_changes_is_returned_once;
        );
    };
    (@tests $open:path; $($promise:ident;)+) => {$(
        #[tokio::test]
        async fn $promise() {
            let (_guard, leases) = $open().await;
            $crate::contract::leases::$promise(&leases).await;
        }
    )+};
}

/// A device counts while its gateway's lease is alive. Afterwards it shows when the lease was last
/// renewed, exactly as the gateway stated it.
pub async fn device_shows_the_last_renewal_when_its_lease_ended(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (gateway, phone) = (fresh(), device());
    fixture.renew(gateway, 1_000, Term::First).await;
    leases[0].join(gateway, &[online(phone, 1_500)]).await.unwrap();
    let read = fixture.read(phone.user).await;
    assert_eq!((read.len(), read[0].lease), (1, Lease::Alive));
    assert_eq!((read[0].gateway, read[0].login), (gateway, phone.login));
    assert_eq!((read[0].activity, read[0].since), (Activity::Online, at(1_500)));
    fixture.renew(gateway, 6_000, Term::Last).await;
    assert_eq!(fixture.read(phone.user).await[0].lease, Lease::Alive);
    fixture.pass(after_the_grace()).await;
    let read = fixture.read(phone.user).await;
    assert_eq!(read[0].lease, Lease::Ended { renewed_at: Some(at(6_000)) });
}

/// Renewals keep a lease alive beyond its first term.
pub async fn lease_stays_alive_while_it_is_renewed(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (gateway, phone) = (fresh(), device());
    fixture.renew(gateway, 0, Term::First).await;
    leases[0].join(gateway, &[online(phone, 0)]).await.unwrap();
    for step in 1..=4 {
        fixture.pass(RENEW_EVERY).await;
        assert_eq!(fixture.renew(gateway, step, Term::Next).await, Renewal::Alive);
        assert_eq!(fixture.read(phone.user).await[0].lease, Lease::Alive);
    }
    fixture.pass(LEASE_TTL).await;
    let read = fixture.read(phone.user).await;
    assert_eq!(read[0].lease, Lease::Ended { renewed_at: Some(at(4)) });
}

/// An ended lease stays ended for all its devices, including those that join late.
pub async fn ended_lease_is_never_renewed(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (gateway, phone) = (fresh(), device());
    fixture.renew(gateway, 7, Term::First).await;
    fixture.renew(gateway, 8, Term::Last).await;
    fixture.pass(after_the_grace()).await;
    assert_eq!(fixture.renew(gateway, 9, Term::Next).await, Renewal::Ended);
    leases[0].join(gateway, &[online(phone, 8)]).await.unwrap();
    assert_ne!(fixture.read(phone.user).await[0].lease, Lease::Alive);
}

/// Only [`Term::First`] begins a lease.
pub async fn lease_is_not_renewed_when_it_never_began(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    assert_eq!(fixture.renew(fresh(), 1, Term::Next).await, Renewal::Ended);
    assert_eq!(fixture.renew(fresh(), 1, Term::Last).await, Renewal::Ended);
}

/// A login is one device at one gateway, and another device at another gateway.
pub async fn second_join_replaces_the_first(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (one, other, phone) = (fixture.gateway().await, fixture.gateway().await, device());
    leases[0].join(one, &[online(phone, 1)]).await.unwrap();
    leases[1].join(other, &[online(phone, 2)]).await.unwrap();
    let away = Publication { activity: Activity::Away, ..online(phone, 3) };
    leases[0].join(one, &[away]).await.unwrap();
    let read = fixture.read(phone.user).await;
    let mut shown: Vec<_> = read.iter().map(|d| (d.gateway, d.activity, d.since)).collect();
    shown.sort_by_key(|(gateway, ..)| *gateway);
    let mut expected = [(one, Activity::Away, at(3)), (other, Activity::Online, at(2))];
    expected.sort_by_key(|(gateway, ..)| *gateway);
    assert_eq!(shown, expected);
}

/// A leave removes one device at one gateway and is idempotent.
pub async fn leave_removes_only_that_device(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (one, other, phone) = (fixture.gateway().await, fixture.gateway().await, device());
    let second = chat_core::model::Identity { login: fresh(), ..phone };
    leases[0].join(one, &[online(phone, 1), online(second, 1)]).await.unwrap();
    leases[1].join(other, &[online(phone, 1)]).await.unwrap();
    for _ in 0..2 {
        leases[0].leave(one, &[phone, device()]).await.unwrap();
        let read = fixture.read(phone.user).await;
        let left: BTreeSet<_> = read.iter().map(|d| (d.gateway, d.login)).collect();
        assert_eq!(left, BTreeSet::from([(one, second.login), (other, phone.login)]));
    }
}

/// There is one reading for each user, including users without devices and users listed twice.
pub async fn readings_are_in_the_order_of_the_users(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (gateway, one, other) = (fixture.gateway().await, device(), device());
    leases[0].join(gateway, &[online(one, 1), online(other, 1)]).await.unwrap();
    let users = [other.user, fresh(), one.user, other.user];
    let readings = leases[1].of_users(&users).await;
    let logins: Vec<Vec<_>> = readings
        .into_iter()
        .map(|reading| reading.unwrap().devices.iter().map(|d| d.login).collect())
        .collect();
    assert_eq!(logins, [vec![other.login], vec![], vec![one.login], vec![other.login]]);
    assert_eq!(leases[1].of_users(&[]).await, []);
}

/// One write and one read work with as many devices and users as their bounds allow.
pub async fn many_devices_are_written_and_read_in_one_call(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let gateway = fixture.gateway().await;
    let devices: Vec<_> = (0..PUBLISH_MAX.min(READ_MAX)).map(|_| device()).collect();
    let joins: Vec<_> = devices.iter().map(|device| online(*device, 1)).collect();
    leases[0].join(gateway, &joins).await.unwrap();
    let users: Vec<_> = devices.iter().map(|device| device.user).collect();
    let read = leases[1].of_users(&users).await;
    assert!(read.iter().flatten().all(|reading| reading.devices.len() == 1));
    assert_eq!(read.iter().flatten().count(), users.len());
    leases[0].leave(gateway, &devices).await.unwrap();
    let read = leases[1].of_users(&users).await;
    assert!(read.iter().flatten().all(|reading| reading.devices.is_empty()));
}

/// Reaping removes the devices of stored users, returns who is left, and changes no other gateway.
pub async fn ended_gateway_is_reaped_page_by_page(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (ending, alive, devices) =
        (fresh(), fixture.gateway().await, fixture::devices(REAP_MAX + 9));
    fixture.renew(ending, 1, Term::First).await;
    for page in devices.chunks(PUBLISH_MAX) {
        let joins: Vec<_> = page.iter().map(|device| online(*device, 1)).collect();
        leases[0].join(ending, &joins).await.unwrap();
    }
    leases[0].join(alive, &[online(devices[0], 1)]).await.unwrap();
    fixture.renew(ending, 2, Term::Last).await;
    fixture.pass(after_the_grace()).await;
    let reaped = reap_all(&*leases[1], ending).await;
    assert_eq!(reaped, devices.iter().map(|device| device.user).collect());
    assert!(fixture.read(devices[1].user).await.is_empty());
    let read = fixture.read(devices[0].user).await;
    assert_eq!(read.iter().map(|d| d.gateway).collect::<Vec<_>>(), [alive]);
}

async fn reap_all(leases: &dyn Leases, gateway: GatewayId) -> BTreeSet<UserId> {
    let (mut reaped, mut stored) = (BTreeSet::new(), Vec::new());
    loop {
        stored = leases.reap(gateway, &stored).await.unwrap();
        assert!(stored.len() <= REAP_MAX);
        if stored.is_empty() {
            return reaped;
        }
        assert!(stored.iter().all(|user| reaped.insert(*user)), "no user is returned twice");
    }
}

/// Reaping does nothing while the lease is alive.
pub async fn gateway_is_not_reaped_while_its_lease_is_alive(leases: &[Arc<dyn Leases>]) {
    let fixture = SettledLeases::open(leases).await;
    let (gateway, phone) = (fixture.gateway().await, device());
    leases[0].join(gateway, &[online(phone, 1)]).await.unwrap();
    assert_eq!(leases[1].reap(gateway, &[]).await.unwrap(), []);
    assert_eq!(leases[1].reap(gateway, &[phone.user]).await.unwrap(), []);
    assert_eq!(fixture.read(phone.user).await.len(), 1);
}
