//! What happens while a session opens: nobody is let in who has been removed or logged out.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chat_core::{
    command::Change,
    error::ChatError,
    memory::MemoryHub,
    model::Seq,
    port::Stores,
    revocations::Revocations,
    session::{Resume, Session},
};
use tokio::task::JoinSet;

use crate::{
    faults::{GatedLog, SlowConversations},
    scene::{Scene, seqs},
};

#[tokio::test(start_paused = true)]
async fn removal_while_a_session_opens_is_told_and_nothing_after_it() {
    for is_resumed in [false, true] {
        let hub = MemoryHub::new();
        let mut scene = Scene::with(1, &hub, 0);
        let views = SlowConversations::new(scene.stores.conversations.clone(), Duration::ZERO);
        let stores = Stores { conversations: views.clone(), ..scene.stores.clone() };
        let gateway = scene.join(stores, Arc::new(hub.bus()));
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let conversation = ada.group(&[&bob]).await;
        let resume: Option<Resume> = is_resumed.then(|| [(conversation, Seq::new(9))].into());
        views.after_lookup.close_after(0);
        let mut opening = JoinSet::new();
        let bob_there = bob.at(&gateway);
        opening.spawn(async move { bob_there.open(resume).await });
        tokio::time::sleep(Duration::from_millis(10)).await;
        ada.change(conversation, Change::Remove { user: bob.id() }).await.unwrap();
        views.after_lookup.open();
        let mut reader = opening.join_next().await.unwrap().unwrap();
        assert_eq!(reader.heads, []);
        ada.send(conversation, "without you").await;
        let events = reader.read().await;
        assert_eq!(seqs(&events), []);
        assert_eq!(events.last(), Some(&format!("removed {conversation}")));
    }
}

#[tokio::test(start_paused = true)]
async fn login_that_ends_while_its_session_opens_gets_none() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    ada.group(&[]).await;
    scene.gateways[0].revoked(ada.identity);
    let opened = Session::open(&scene.gateways[0], ada.identity, None).await;
    assert!(matches!(opened.err(), Some(ChatError::Unauthenticated(_))));
    assert_eq!(scene.gateways[0].sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn new_member_is_let_in_also_where_the_views_lag_behind_the_log() {
    let hub = MemoryHub::new();
    let mut scene = Scene::with(1, &hub, 0);
    let views = SlowConversations::new(scene.stores.conversations.clone(), Duration::ZERO);
    let log = GatedLog::new(scene.log.clone());
    let stores = Stores { conversations: views.clone(), log: log.clone(), ..scene.stores.clone() };
    let gateway = scene.join(stores, Arc::new(hub.bus()));
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let mut reader = bob.at(&gateway).open(None).await;
    *views.is_mended.lock().unwrap() = Some(log.is_seen.clone());
    log.is_seen.store(false, Ordering::SeqCst);
    ada.group(&[&bob]).await;
    let message = tokio::time::timeout(Duration::from_secs(1), reader.message()).await;
    assert!(message.is_ok(), "the standing was read at a head that was not known yet");
}
