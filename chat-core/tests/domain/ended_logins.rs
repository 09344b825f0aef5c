//! Ended logins reach gateways that missed the hint about them.

use std::time::Duration;

use chat_core::{
    faults::Faults,
    memory::{BusFaults, MemoryHub, MemoryStores},
    model::{EndedLogin, Identity, Login, LoginSecret},
};
use tokio::time::{Instant, sleep};

use crate::scene::{Person, START, Scene};

/// Opens the person's login in the store and ends it without a hint.
async fn end_login(scene: &Scene, person: &Person) -> Identity {
    let Identity { user, login } = person.identity;
    let opened = Login {
        id: login,
        user,
        device: None,
        created_at: START,
        used_at: START,
        expires_at: START.after(Duration::from_secs(3_600)),
        current: LoginSecret([1; 32]),
        previous: None,
    };
    assert!(scene.stores.logins.open(&opened).await.unwrap());
    let refused_until = START.after(Duration::from_secs(600));
    let ended = EndedLogin { identity: person.identity, refused_until };
    assert!(scene.stores.logins.revoke(ended, START).await.unwrap());
    person.identity
}

#[tokio::test(start_paused = true)]
async fn gateway_knows_logins_that_ended_before_it_started() {
    let hub = MemoryHub::new();
    let mut scene = Scene::on(1, &hub, MemoryStores::new());
    let ended = end_login(&scene, &scene.person("ada").await).await;
    let later = scene.join(&Faults::new(), std::sync::Arc::new(hub.bus()));
    sleep(Duration::from_millis(10)).await;
    assert!(later.is_revoked(ended.login));
    sleep(Duration::from_secs(600)).await;
    assert!(!later.is_revoked(ended.login), "its access tokens have expired");
}

#[tokio::test(start_paused = true)]
async fn gateway_learns_of_ended_logins_within_five_seconds_when_the_bus_is_down() {
    let hub = MemoryHub::new();
    let mut scene = Scene::on(1, &hub, MemoryStores::new());
    let faults = Faults::new();
    let bus = faults.bus(hub.bus());
    let gateway = scene.join(&faults, bus.clone());
    sleep(Duration::from_secs(1)).await;
    bus.inner().cut_off();
    let ada = scene.person("ada").await.at(&gateway);
    let ended = end_login(&scene, &ada).await;
    let began = Instant::now();
    while !gateway.is_revoked(ended.login) {
        sleep(Duration::from_millis(100)).await;
        assert!(began.elapsed() <= Duration::from_secs(5));
    }
}

#[tokio::test(start_paused = true)]
async fn gateway_learns_of_ended_logins_when_hints_were_lost() {
    let hub = MemoryHub::new();
    let mut scene = Scene::on(1, &hub, MemoryStores::new());
    let faults = Faults::new();
    let bus = faults.bus(hub.bus());
    let gateway = scene.join(&faults, bus.clone());
    sleep(Duration::from_secs(1)).await;
    hub.set_faults(BusFaults { drop_permille: 1_000, ..BusFaults::default() });
    let ended = end_login(&scene, &scene.person("ada").await).await;
    sleep(Duration::from_secs(60)).await;
    assert!(!gateway.is_revoked(ended.login), "no hint and no loss was seen");
    bus.inner().cut_off();
    bus.inner().heal();
    sleep(Duration::from_millis(10)).await;
    assert!(gateway.is_revoked(ended.login));
}
