//! An opening session never gets a head below an acknowledged entry.

use std::{sync::Arc, time::Duration};

use chat_core::{
    faults::{Call, Faults},
    id::ConversationId,
    memory::{MemoryHub, MemoryStores},
};
use tokio::time::{sleep, timeout};

use crate::scene::{Person, Scene};

/// A user with one conversation, at two gateways.
struct Fleet {
    /// Runs the upkeep of the gateways until it is dropped.
    _scene: Scene,
    hub: MemoryHub,
    ada: Person,
    ada_elsewhere: Person,
    conversation: ConversationId,
}

async fn fleet() -> Fleet {
    let hub = MemoryHub::new();
    let scene = Scene::on(2, &hub, MemoryStores::new());
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let ada_elsewhere = ada.at(&scene.gateways[1]);
    Fleet { _scene: scene, hub, ada, ada_elsewhere, conversation }
}

#[tokio::test(start_paused = true)]
async fn opening_returns_the_stored_head_when_hints_are_missing() {
    let Fleet { _scene, hub, ada, ada_elsewhere, conversation } = fleet().await;
    // A listener keeps the second gateway's feed live.
    let _listener = ada_elsewhere.open(None).await;
    hub.cut_off();
    let missed = ada.send(conversation, "without a hint").await;
    assert_eq!(ada_elsewhere.open(None).await.heads, [(conversation, missed)]);

    // The bus is up again, but the feed has not been compared with the store yet.
    let missed = ada.send(conversation, "without a hint").await;
    hub.heal();
    assert_eq!(ada_elsewhere.open(None).await.heads, [(conversation, missed)]);
}

#[tokio::test(start_paused = true)]
async fn opening_returns_the_stored_head_while_a_gap_is_read() {
    let Fleet { _scene, hub, ada, ada_elsewhere, conversation } = fleet().await;
    let _listener = ada_elsewhere.open(None).await;
    hub.cut_off();
    let missed = ada.send(conversation, "without a hint").await;
    hub.heal();
    // The gateway has compared the heads, but waits for the hint before it reads the entry.
    sleep(Duration::from_millis(20)).await;
    assert_eq!(ada_elsewhere.open(None).await.heads, [(conversation, missed)]);
}

#[tokio::test(start_paused = true)]
async fn opening_returns_the_stored_head_when_nobody_listened_during_an_outage() {
    let Fleet { _scene, hub, ada, ada_elsewhere, conversation } = fleet().await;
    drop(ada_elsewhere.open(None).await);
    hub.cut_off();
    let missed = ada.send(conversation, "without a hint").await;
    hub.heal();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ada_elsewhere.open(None).await.heads, [(conversation, missed)]);
}

#[tokio::test(start_paused = true)]
async fn opening_returns_the_head_that_a_repeat_was_answered_with() {
    let hub = MemoryHub::new();
    let mut scene = Scene::on(1, &hub, MemoryStores::new());
    let other = scene.join(&Faults::new(), Arc::new(hub.bus()));
    let third = scene.join(&Faults::new(), Arc::new(hub.bus()));
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let _listener = ada.at(&third).open(None).await;
    // The first gateway has appended the entry, and does not know it yet.
    scene.faults.gate_after(Call::Append).close();
    let first = ada.send_as(conversation, "key", "text");
    assert!(timeout(Duration::from_millis(10), first).await.is_err());
    let repeat = ada.at(&other).send_as(conversation, "key", "text").await.unwrap();
    assert!(repeat.replayed);
    let heads = ada.at(&third).open(None).await.heads;
    assert_eq!(heads, [(conversation, repeat.entry.entry.seq)]);
}
