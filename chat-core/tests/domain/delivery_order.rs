//! A text is delivered as soon as it is durable.

use std::time::Duration;

use chat_core::faults::Call;
use tokio::time::Instant;

use crate::scene::Scene;

#[tokio::test(start_paused = true)]
async fn text_is_delivered_before_projection_and_answered_after_it() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    ada.send(conversation, "warm").await;
    let mut reader = bob.open(None).await;
    let projection = Duration::from_millis(300);
    scene.faults.delay(Call::Project, projection);
    let started = Instant::now();
    let sending = async {
        ada.send(conversation, "text").await;
        started.elapsed()
    };
    let reading = async {
        assert!(reader.receives("message", Duration::from_secs(1)).await);
        started.elapsed()
    };
    let (answered, delivered) = tokio::join!(sending, reading);
    assert!(delivered < projection, "{delivered:?}");
    assert!(answered >= projection, "{answered:?}");
}
