//! Gateways that append to one conversation all the time take turns.

use std::time::Duration;

use chat_core::{error::ChatError, faults::Call, id::ConversationId};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::scene::{Person, Scene, text_of};

const APPEND: Duration = Duration::from_millis(25);
const SENDERS: usize = 32;
const WHOLE: Duration = Duration::from_secs(10);

/// Sends one text after the other until `end`, and returns their number.
async fn send_until(
    person: Person,
    conversation: ConversationId,
    end: Instant,
) -> Result<usize, ChatError> {
    let mut sent = 0;
    while Instant::now() < end {
        person.change(conversation, text_of("text")).await?;
        sent += 1;
        sleep(Duration::from_millis(1)).await;
    }
    Ok(sent)
}

/// Lets senders on each gateway send all the time, and returns how many texts each gateway wrote. A
/// gateway begins in the middle of an append of the one before, and reads take this long.
async fn write_together(gateways: usize, read: Duration) -> Vec<usize> {
    let scene = Scene::new(gateways);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "first").await;
    scene.faults.delay(Call::Append, APPEND);
    for call in [Call::Heads, Call::Read] {
        scene.faults.delay(call, read);
    }
    let end = Instant::now() + WHOLE;
    let mut sending = Vec::new();
    for gateway in &scene.gateways {
        let send = || send_until(ada.at(gateway), conversation, end);
        sending.push((0..SENDERS).map(|_| send()).collect::<JoinSet<_>>());
        sleep(APPEND / 2).await;
    }
    let mut written = Vec::new();
    for of_gateway in sending {
        written.push(of_gateway.join_all().await.into_iter().map(Result::unwrap).sum());
    }
    written
}

#[tokio::test(start_paused = true)]
async fn no_gateway_is_kept_from_a_conversation_by_the_others() {
    for gateways in [2, 3, 6] {
        for read in [1, 6, 20].map(Duration::from_millis) {
            let written = write_together(gateways, read).await;
            let share = written.iter().sum::<usize>() / gateways;
            assert!(written.iter().all(|count| *count >= share / 2), "{read:?}: {written:?}");
        }
    }
}
