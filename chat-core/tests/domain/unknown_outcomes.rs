//! Appends whose outcome is unknown, some of them applied after the store has failed.

use std::time::Duration;

use chat_core::{
    command::{Change, Command, Reply},
    error::ChatError,
    faults::{Call, Fault},
    limits::COMMAND_DEADLINE,
    model::{Role, Seq},
};
use tokio::time::{Instant, sleep};

use crate::scene::{Scene, remove, seqs, text_of, written};

#[tokio::test(start_paused = true)]
async fn change_is_answered_with_its_entry_when_applied_late() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let target_seq = ada.send(conversation, "x").await;
    for (change, seq) in [
        (Change::SetMember { user: bob.id(), role: Some(Role::Admin) }, 4),
        (Change::React { target_seq, emoji: "👍".into(), on: true }, 5),
        (Change::SetTitle { title: "Supper".into() }, 6),
        (Change::Redact { target_seq }, 7),
        (remove(&bob), 8),
    ] {
        scene.faults.fail_next(Call::Append, &[Fault::AppliedLate]);
        let written = written(ada.change(conversation, change).await.unwrap());
        assert_eq!((written.entry.entry.seq, written.replayed), (Seq::new(seq), false));
    }
    assert_eq!(scene.entries(conversation).await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn send_is_acknowledged_when_an_earlier_attempt_applies() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let mut reader = ada.open(None).await;
    let almost_too_late = COMMAND_DEADLINE.mul_f32(0.99);
    let faults = [Fault::AppliedLate, Fault::RequestLost(almost_too_late)];
    scene.faults.fail_next(Call::Append, &faults);
    let first = ada.send_as(conversation, "a", "x").await.unwrap();
    assert_eq!(first.entry.entry.seq, Seq::new(2));
    assert_eq!(seqs(&reader.read().await), [2]);
}

#[tokio::test(start_paused = true)]
async fn batch_stays_together_when_its_outcome_is_unknown() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "warm").await;
    let faults = [Fault::AppliedLate, Fault::RequestLost(Duration::ZERO)];
    scene.faults.fail_next(Call::Append, &faults);
    let sending = ["one", "two", "three"].map(|text| ada.begin(conversation, text_of(text)));
    for (reply, seq) in sending.into_iter().zip(3..) {
        assert_eq!(written(reply.await.unwrap()).entry.entry.seq, Seq::new(seq));
    }
    assert_eq!(scene.entries(conversation).await.len(), 5);
    let view = ada.execute(Command::Conversation { conversation }).await;
    assert!(matches!(view, Ok(Reply::Conversation(view)) if view.unread == 0));
}

#[tokio::test(start_paused = true)]
async fn only_tried_sends_are_unknown_when_the_store_hangs() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "warm").await;
    scene.faults.gate(Call::Append).close();
    let started = Instant::now();
    let later = async {
        sleep(Duration::from_millis(10)).await;
        ada.send_as(conversation, "waited", "x").await
    };
    let (tried, waited) = tokio::join!(ada.send_as(conversation, "tried", "x"), later);
    assert_eq!(tried, Err(ChatError::OutcomeUnknown));
    assert!(matches!(waited, Err(ChatError::Unavailable(_))), "{waited:?}");
    assert!(started.elapsed() <= COMMAND_DEADLINE + Duration::from_millis(100));
    scene.faults.gate(Call::Append).open();
    let again = ada.send_as(conversation, "tried", "x").await.unwrap();
    assert!(again.replayed, "the append was applied after the gate opened");
    let entries = scene.entries(conversation).await;
    assert_eq!(entries.len(), 3, "the send that was called unavailable is not written");
}
