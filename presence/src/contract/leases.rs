//! Promises of [`Leases`] while they are available. They take up to half a minute of real time, or
//! none of paused time.

mod changes;
mod scene;

use std::{collections::BTreeSet, sync::Arc};

use chat_core::id::{GatewayId, UserId};

pub use self::changes::{
    change_is_told_to_every_gateway_that_watches, changes_are_given_once,
    end_of_a_gateway_is_told_to_all, repetition_that_changes_nothing_is_not_told,
    user_not_watched_any_more_is_not_told,
};
use self::scene::{Scene, after_the_grace, device, online};
use super::{at, fresh};
use crate::{
    limits::{BURY_MAX, LEASE_TTL, PUBLISH_MAX, READ_MAX, RENEW_EVERY},
    model::{Activity, Lease},
    port::{Leases, Publication, Renewed, Term},
};

/// Makes one test of each promise of the leases. `open` is the path of an
/// `async fn() -> (guard, Vec<Arc<dyn Leases>>)`: the access of two gateways at least to the same
/// leases, whose changes nobody has taken, and where no other gateways are; the guard is dropped
/// after the test.
#[macro_export]
macro_rules! leases_contract {
    ($open:path) => {
        $crate::leases_contract!(@tests $open;
            device_counts_while_its_lease_lives_and_then_shows_the_last_renewal;
            lease_lives_as_long_as_it_is_renewed;
            lease_that_ended_never_lives_again;
            lease_that_never_began_is_not_renewed;
            joining_again_replaces_what_was_published;
            leaving_takes_back_only_that_device;
            readings_come_in_the_order_of_the_question;
            many_devices_are_written_and_read_at_once;
            ended_gateway_is_buried_page_by_page;
            living_gateway_is_not_buried;
            change_is_told_to_every_gateway_that_watches;
            repetition_that_changes_nothing_is_not_told;
            user_not_watched_any_more_is_not_told;
            end_of_a_gateway_is_told_to_all;
            changes_are_given_once;
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

/// A device counts while its gateway's lease lives; afterwards its field tells when the lease was
/// last renewed, exactly as the gateway said.
pub async fn device_counts_while_its_lease_lives_and_then_shows_the_last_renewal(
    leases: &[Arc<dyn Leases>],
) {
    let scene = Scene::open(leases).await;
    let (gateway, here) = (fresh(), device());
    scene.renew(gateway, 1_000, Term::First).await;
    leases[0].join(gateway, &[online(here, 1_500)]).await.unwrap();
    let read = scene.read(here.user).await;
    assert_eq!((read.len(), read[0].lease), (1, Lease::Lives));
    assert_eq!((read[0].gateway, read[0].login), (gateway, here.login));
    assert_eq!((read[0].activity, read[0].since), (Activity::Online, at(1_500)));
    scene.renew(gateway, 6_000, Term::Last).await;
    assert_eq!(scene.read(here.user).await[0].lease, Lease::Lives);
    scene.pass(after_the_grace()).await;
    let read = scene.read(here.user).await;
    assert_eq!(read[0].lease, Lease::Ended { renewed_at: Some(at(6_000)) });
}

/// Renewals keep a lease beyond its first term.
pub async fn lease_lives_as_long_as_it_is_renewed(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (gateway, here) = (fresh(), device());
    scene.renew(gateway, 0, Term::First).await;
    leases[0].join(gateway, &[online(here, 0)]).await.unwrap();
    for step in 1..=4 {
        scene.pass(RENEW_EVERY).await;
        assert_eq!(scene.renew(gateway, step, Term::Next).await, Renewed::Lives);
        assert_eq!(scene.read(here.user).await[0].lease, Lease::Lives);
    }
    scene.pass(LEASE_TTL).await;
    let read = scene.read(here.user).await;
    assert_eq!(read[0].lease, Lease::Ended { renewed_at: Some(at(4)) });
}

/// A lease that has ended stays ended, and so do its devices, also those that join late.
pub async fn lease_that_ended_never_lives_again(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (gateway, here) = (fresh(), device());
    scene.renew(gateway, 7, Term::First).await;
    scene.renew(gateway, 8, Term::Last).await;
    scene.pass(after_the_grace()).await;
    assert_eq!(scene.renew(gateway, 9, Term::Next).await, Renewed::Ended);
    leases[0].join(gateway, &[online(here, 8)]).await.unwrap();
    assert_ne!(scene.read(here.user).await[0].lease, Lease::Lives);
}

/// Only a first term begins a lease.
pub async fn lease_that_never_began_is_not_renewed(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    assert_eq!(scene.renew(fresh(), 1, Term::Next).await, Renewed::Ended);
    assert_eq!(scene.renew(fresh(), 1, Term::Last).await, Renewed::Ended);
}

/// The same device at the same gateway is one field; at another gateway it is another.
pub async fn joining_again_replaces_what_was_published(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (one, other, here) = (scene.gateway().await, scene.gateway().await, device());
    leases[0].join(one, &[online(here, 1)]).await.unwrap();
    leases[1].join(other, &[online(here, 2)]).await.unwrap();
    let away = Publication { activity: Activity::Away, ..online(here, 3) };
    leases[0].join(one, &[away]).await.unwrap();
    let read = scene.read(here.user).await;
    let mut shown: Vec<_> = read.iter().map(|d| (d.gateway, d.activity, d.since)).collect();
    shown.sort_by_key(|(gateway, ..)| *gateway);
    let mut expected = [(one, Activity::Away, at(3)), (other, Activity::Online, at(2))];
    expected.sort_by_key(|(gateway, ..)| *gateway);
    assert_eq!(shown, expected);
}

/// Leaving takes back one device at one gateway; once more does no harm.
pub async fn leaving_takes_back_only_that_device(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (one, other, here) = (scene.gateway().await, scene.gateway().await, device());
    let second = chat_core::model::Identity { login: fresh(), ..here };
    leases[0].join(one, &[online(here, 1), online(second, 1)]).await.unwrap();
    leases[1].join(other, &[online(here, 1)]).await.unwrap();
    for _ in 0..2 {
        leases[0].leave(one, &[here, device()]).await.unwrap();
        let read = scene.read(here.user).await;
        let left: BTreeSet<_> = read.iter().map(|d| (d.gateway, d.login)).collect();
        assert_eq!(left, BTreeSet::from([(one, second.login), (other, here.login)]));
    }
}

/// One reading for each user asked about, in order, also for those without devices and asked twice.
pub async fn readings_come_in_the_order_of_the_question(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (gateway, one, other) = (scene.gateway().await, device(), device());
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

/// The bounds of one write and one read are kept.
pub async fn many_devices_are_written_and_read_at_once(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let gateway = scene.gateway().await;
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

/// A burial names who is left, takes away whom it is told, and leaves other gateways alone.
pub async fn ended_gateway_is_buried_page_by_page(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (dying, living, devices) = (fresh(), scene.gateway().await, scene::devices(BURY_MAX + 9));
    scene.renew(dying, 1, Term::First).await;
    for page in devices.chunks(PUBLISH_MAX) {
        let joins: Vec<_> = page.iter().map(|device| online(*device, 1)).collect();
        leases[0].join(dying, &joins).await.unwrap();
    }
    leases[0].join(living, &[online(devices[0], 1)]).await.unwrap();
    scene.renew(dying, 2, Term::Last).await;
    scene.pass(after_the_grace()).await;
    let buried = bury(&*leases[1], dying).await;
    assert_eq!(buried, devices.iter().map(|device| device.user).collect());
    assert!(scene.read(devices[1].user).await.is_empty());
    let read = scene.read(devices[0].user).await;
    assert_eq!(read.iter().map(|d| d.gateway).collect::<Vec<_>>(), [living]);
}

async fn bury(leases: &dyn Leases, gateway: GatewayId) -> BTreeSet<UserId> {
    let (mut buried, mut kept) = (BTreeSet::new(), Vec::new());
    loop {
        kept = leases.bury(gateway, &kept).await.unwrap();
        assert!(kept.len() <= BURY_MAX);
        if kept.is_empty() {
            return buried;
        }
        assert!(kept.iter().all(|user| buried.insert(*user)), "nobody is named twice");
    }
}

/// While its lease lives nothing of a gateway is buried.
pub async fn living_gateway_is_not_buried(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (gateway, here) = (scene.gateway().await, device());
    leases[0].join(gateway, &[online(here, 1)]).await.unwrap();
    assert_eq!(leases[1].bury(gateway, &[]).await.unwrap(), []);
    assert_eq!(leases[1].bury(gateway, &[here.user]).await.unwrap(), []);
    assert_eq!(scene.read(here.user).await.len(), 1);
}
