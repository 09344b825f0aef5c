//! Several gateways write to one conversation at once.

use std::collections::HashMap;

use chat_core::{command::Change, error::ChatError, faults::Call, model::Seq};
use tokio::task::JoinSet;

use crate::scene::{Scene, emoji, text_of, written};

#[tokio::test(start_paused = true)]
async fn equal_sends_make_one_entry_when_sent_to_three_gateways() {
    send_200_texts_to_three_gateways(0).await;
}

#[tokio::test(start_paused = true)]
async fn sends_are_written_once_when_outcomes_are_unknown() {
    send_200_texts_to_three_gateways(3).await;
    send_200_texts_to_three_gateways(5).await;
}

/// Sends 200 texts, each to three gateways, with the outcome of every `lose_every`th append unknown.
async fn send_200_texts_to_three_gateways(lose_every: usize) {
    let scene = Scene::new(3);
    scene.faults.lose_every(Call::Append, lose_every);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut sending = JoinSet::new();
    for (index, gateway) in (0..600).zip(scene.gateways.iter().cycle()) {
        let number = index / 3;
        let person = if number % 2 == 0 { ada.at(gateway) } else { bob.at(gateway) };
        let client_id = format!("c{number}");
        sending.spawn(async move {
            let written = person.send_as(conversation, &client_id, &client_id).await.unwrap();
            (number, written.entry.entry.seq)
        });
    }
    let mut answers: HashMap<i32, Vec<Seq>> = HashMap::new();
    for (number, seq) in sending.join_all().await {
        answers.entry(number).or_default().push(seq);
    }
    for (number, seqs) in answers {
        assert!(seqs.iter().all(|seq| *seq == seqs[0]), "{number}: {seqs:?}");
    }
    let log = scene.entries(conversation).await;
    assert_eq!(log.len(), 202, "each text once");
    assert!(log.iter().zip(1..).all(|(entry, seq)| entry.seq == Seq::new(seq)));
    assert_eq!(log.last().unwrap().ord, 200);
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_caller_keep_their_order_when_heads_move() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut others = JoinSet::new();
    for _ in 0..50 {
        let bob = bob.at(&scene.gateways[1]);
        others.spawn(async move { bob.send(conversation, "x").await });
    }
    let target_seq = ada.send(conversation, "target").await;
    let changes = (0..60).map(|number| {
        if number % 3 == 1 {
            // Refused, and planned again with all others whenever the head has moved.
            Change::Edit { target_seq: Seq::new(1), text: "x".into() }
        } else {
            Change::React { target_seq, emoji: emoji(number), on: true }
        }
    });
    let pending: Vec<_> = changes.map(|change| ada.begin(conversation, change)).collect();
    let mut last = Seq::ZERO;
    for (number, reply) in pending.into_iter().enumerate() {
        let reply = reply.await;
        if number % 3 == 1 {
            assert!(matches!(reply, Err(ChatError::Invalid { .. })), "{reply:?}");
            continue;
        }
        let seq = written(reply.unwrap()).entry.entry.seq;
        assert!(seq > last, "{seq} after {last}");
        last = seq;
    }
    others.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn newcomer_can_send_when_a_gateway_has_not_heard_of_the_join() {
    let hub = chat_core::memory::MemoryHub::new();
    let scene = Scene::on(2, &hub, chat_core::memory::MemoryStores::new());
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[]).await;
    let elsewhere = bob.at(&scene.gateways[1]);
    assert!(elsewhere.change(conversation, text_of("x")).await.is_err());
    hub.cut_off();
    ada.add(conversation, &bob).await;
    assert!(elsewhere.change(conversation, text_of("x")).await.is_ok());
}
