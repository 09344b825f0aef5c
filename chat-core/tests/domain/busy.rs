//! A conversation in which many send on a store that takes its time.

use std::time::Duration;

use tokio::{task::JoinSet, time::Instant};

use crate::scene::Scene;

const APPEND: Duration = Duration::from_millis(40);
const TEXTS: u32 = 20;

/// So many senders, each after the answer to the last; how many appends that took, and how long.
async fn send(senders: u32) -> (u32, Duration) {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "warm").await;
    scene.log.slow_down(40);
    let (before, begun) = (scene.log.appends(), Instant::now());
    let mut sending = JoinSet::new();
    for number in 0..senders {
        let ada = ada.clone();
        sending.spawn(async move {
            for _ in 0..TEXTS {
                ada.send(conversation, "text").await;
                // The way of the answer to its client, and of the next text from there.
                tokio::time::sleep(Duration::from_millis(1 + u64::from(number % 4))).await;
            }
        });
    }
    sending.join_all().await;
    (scene.log.appends() - before, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn senders_who_are_answered_together_are_written_together() {
    let (appends, _) = send(16).await;
    // Without waiting for each other, they take turns in two halves.
    assert!(appends <= TEXTS + 2, "{appends} appends");
}

#[tokio::test(start_paused = true)]
async fn who_sends_alone_waits_for_nobody() {
    let (appends, took) = send(1).await;
    assert_eq!(appends, TEXTS);
    assert!(took <= (APPEND + Duration::from_millis(2)) * TEXTS, "{took:?}");
}
