//! Promises of the leases about changes.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    super::fresh,
    scene::{Scene, device, online},
};
use crate::{
    limits::{DEPART_GRACE, LEASE_CHECK_EVERY},
    model::Activity,
    port::{Change, Leases, Publication, Term},
};

const PATIENCE: Duration = Duration::from_secs(4);
const SILENCE: Duration = Duration::from_millis(500);

/// The next change; that something was lost before the watching began is no change.
async fn next(changes: &mut Receiver<Change>) -> Change {
    loop {
        let change = timeout(PATIENCE, changes.recv()).await.expect("a change is missing").unwrap();
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

/// Joining, turning away and leaving are told to every gateway that watches the user, also to the
/// one that did it, and to no other.
pub async fn change_is_told_to_every_gateway_that_watches(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (gateway, here, other) = (scene.gateway().await, device(), device());
    let (mut one, mut two) = (leases[0].changes().unwrap(), leases[1].changes().unwrap());
    leases[0].watch(&[here.user]).await;
    leases[1].watch(&[here.user, fresh()]).await;
    let away = Publication { activity: Activity::Away, ..online(here, 2) };
    for joins in [&[online(other, 1), online(here, 1)][..], &[away]] {
        leases[0].join(gateway, joins).await.unwrap();
        assert_eq!(next(&mut one).await, Change::User(here.user));
        assert_eq!(next(&mut two).await, Change::User(here.user));
    }
    leases[0].leave(gateway, &[here]).await.unwrap();
    assert_eq!(next(&mut two).await, Change::User(here.user));
    assert_silent(&mut two).await;
}

/// A gateway that publishes all its devices again makes no noise.
pub async fn repetition_that_changes_nothing_is_not_told(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (gateway, here) = (scene.gateway().await, device());
    let mut changes = leases[1].changes().unwrap();
    leases[1].watch(&[here.user]).await;
    leases[0].join(gateway, &[online(here, 1)]).await.unwrap();
    assert_eq!(next(&mut changes).await, Change::User(here.user));
    leases[0].join(gateway, &[online(here, 1)]).await.unwrap();
    leases[0].leave(gateway, &[device()]).await.unwrap();
    assert_silent(&mut changes).await;
}

/// Watching ends, though perhaps not at once.
pub async fn user_not_watched_any_more_is_not_told(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (gateway, here, there) = (scene.gateway().await, device(), device());
    let mut changes = leases[1].changes().unwrap();
    leases[1].watch(&[here.user, there.user]).await;
    leases[1].unwatch(&[here.user]).await;
    sleep(SILENCE).await;
    leases[0].join(gateway, &[online(here, 1), online(there, 1)]).await.unwrap();
    assert_eq!(next(&mut changes).await, Change::User(there.user));
    assert_silent(&mut changes).await;
}

/// Nobody has to ask: the end of a gateway is told to all of them, in time.
pub async fn end_of_a_gateway_is_told_to_all(leases: &[Arc<dyn Leases>]) {
    let scene = Scene::open(leases).await;
    let (gateway, here) = (scene.gateway().await, device());
    let (mut one, mut two) = (leases[0].changes().unwrap(), leases[1].changes().unwrap());
    leases[0].join(gateway, &[online(here, 1)]).await.unwrap();
    scene.renew(gateway, 1, Term::Last).await;
    scene.pass(DEPART_GRACE).await;
    let told = async {
        assert_eq!(next(&mut one).await, Change::Ended(gateway));
        assert_eq!(next(&mut two).await, Change::Ended(gateway));
    };
    timeout(LEASE_CHECK_EVERY + Duration::from_secs(1), told).await.expect("told in time");
}

/// There is one stream of changes.
pub async fn changes_are_given_once(leases: &[Arc<dyn Leases>]) {
    assert!(leases[0].changes().is_some());
    assert!(leases[0].changes().is_none());
    assert!(leases[1].changes().is_some());
}
