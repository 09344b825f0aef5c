//! Many senders in one conversation share appends, and a lone sender does not wait for others.

use std::time::Duration;

use chat_core::faults::Call;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::scene::Scene;

const APPEND: Duration = Duration::from_millis(40);
const TEXTS: u32 = 20;

/// Lets each sender send its texts one after the other; returns the appends and the time taken.
async fn send(senders: u32) -> (usize, Duration) {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "warm").await;
    scene.faults.delay(Call::Append, APPEND);
    let before = scene.faults.count(Call::Append);
    let started = Instant::now();
    let mut sending = JoinSet::new();
    for number in 0..senders {
        let ada = ada.clone();
        sending.spawn(async move {
            for _ in 0..TEXTS {
                ada.send(conversation, "text").await;
                // The answer's way to its client, and the way of the next text from there.
                sleep(Duration::from_millis(1 + u64::from(number % 4))).await;
            }
        });
    }
    sending.join_all().await;
    (scene.faults.count(Call::Append) - before, started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn senders_share_appends_when_answered_together() {
    let (appends, _) = send(16).await;
    // Without gathering, the senders would take turns in two halves.
    assert!(appends <= TEXTS as usize + 2, "{appends} appends");
}

#[tokio::test(start_paused = true)]
async fn lone_sender_waits_for_no_batch() {
    let (appends, took) = send(1).await;
    assert_eq!(appends, TEXTS as usize);
    assert!(took <= (APPEND + Duration::from_millis(2)) * TEXTS, "{took:?}");
}
