//! What changes while a session opens: nobody gets in who has been removed or logged out.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::ChatError,
    faults::{Call, Faults, Hook},
    memory::{MemoryHub, MemoryStores},
    model::Seq,
    revocations::Revocations,
    session::{Resume, Session},
};
use tokio::{
    task::JoinSet,
    time::{Duration, sleep},
};

use crate::scene::{Scene, remove, seqs};

/// A scene with a second gateway that has faults of its own.
fn scene_with_faulty_gateway() -> (Scene, Arc<Faults>) {
    let hub = MemoryHub::new();
    let mut scene = Scene::on(1, &hub, MemoryStores::new());
    let faults = Faults::new();
    scene.join(&faults, Arc::new(hub.bus()));
    (scene, faults)
}

/// Opens a session while its user is removed and checks that it receives nothing later.
async fn open_during_removal(is_resumed: bool) {
    let (scene, faults) = scene_with_faulty_gateway();
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let resume: Option<Resume> = is_resumed.then(|| [(conversation, Seq::new(9))].into());
    faults.gate_after(Call::OfUser).close();
    let mut opening = JoinSet::new();
    let bob_there = bob.at(&scene.gateways[1]);
    opening.spawn(async move { bob_there.open(resume).await });
    sleep(Duration::from_millis(10)).await;
    ada.change(conversation, remove(&bob)).await.unwrap();
    faults.gate_after(Call::OfUser).open();
    let mut reader = opening.join_next().await.unwrap().unwrap();
    assert_eq!(reader.heads, []);
    ada.send(conversation, "without you").await;
    let events = reader.read().await;
    assert_eq!(seqs(&events), []);
    assert_eq!(events.last(), Some(&format!("removed {conversation}")));
}

#[tokio::test(start_paused = true)]
async fn new_session_ends_when_removed_while_opening() {
    open_during_removal(false).await;
}

#[tokio::test(start_paused = true)]
async fn resumed_session_ends_when_removed_while_opening() {
    open_during_removal(true).await;
}

#[tokio::test(start_paused = true)]
async fn session_is_refused_when_its_login_is_revoked() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    ada.group(&[]).await;
    scene.gateways[0].revoked(ada.identity);
    let opened = Session::open(&scene.gateways[0], ada.identity, None).await;
    assert!(matches!(opened.err(), Some(ChatError::Unauthenticated(_))));
    assert_eq!(scene.gateways[0].sessions(), 0);
}

/// Shows members again as soon as a gateway reads the heads.
#[derive(Debug)]
struct ShowMembersAtHeads(Arc<Faults>);

#[async_trait]
impl Hook for ShowMembersAtHeads {
    async fn before(&self, call: Call) {
        if call == Call::Heads {
            self.0.hide_members(false);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn new_member_gets_in_when_views_lag_behind_the_log() {
    let (scene, faults) = scene_with_faulty_gateway();
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let mut reader = bob.at(&scene.gateways[1]).open(None).await;
    faults.hide_members(true);
    faults.set_hook(Arc::new(ShowMembersAtHeads(faults.clone())));
    ada.group(&[&bob]).await;
    let received = reader.receives("message", Duration::from_secs(1)).await;
    assert!(received, "the membership was read before the head was known");
}
