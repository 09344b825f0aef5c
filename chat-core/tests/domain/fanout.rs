//! A text is on its way to its readers as soon as it is durable.

use std::{sync::Arc, time::Duration};

use chat_core::memory::{MemoryHub, MemoryStores};
use tokio::time::{Instant, timeout};

use crate::{
    hooked::{Call, Script, hooked},
    scene::Scene,
};

#[tokio::test(start_paused = true)]
async fn text_is_delivered_before_what_else_it_changes_is_written_and_answered_after() {
    let script = Arc::<Script>::default();
    let stores = hooked(&MemoryStores::new(), script.clone());
    let scene = Scene::over(1, &MemoryHub::new(), 0, stores);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    ada.send(conversation, "warm").await;
    let mut reader = bob.open(None).await;
    script.take_for(Call::Project, Duration::from_millis(300));
    let begun = Instant::now();
    let sending = async {
        ada.send(conversation, "text").await;
        begun.elapsed()
    };
    let reading = async {
        timeout(Duration::from_secs(1), reader.message()).await.unwrap();
        begun.elapsed()
    };
    let (answered, delivered) = tokio::join!(sending, reading);
    assert!(delivered < Duration::from_millis(100), "{delivered:?}");
    assert!(answered >= Duration::from_millis(300), "{answered:?}");
}
