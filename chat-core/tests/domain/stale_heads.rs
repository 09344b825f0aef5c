//! An opening session never gets a head below an acknowledged entry.

use chat_core::memory::{MemoryHub, MemoryStores};

use crate::scene::Scene;

#[tokio::test(start_paused = true)]
async fn opening_returns_the_stored_head_when_hints_are_missing() {
    let hub = MemoryHub::new();
    let scene = Scene::on(2, &hub, MemoryStores::new());
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let ada_elsewhere = ada.at(&scene.gateways[1]);
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
