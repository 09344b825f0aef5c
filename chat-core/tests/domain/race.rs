//! Several gateways write to one conversation at the same moment.

use std::{collections::HashMap, time::Duration};

use chat_core::{error::ChatError, memory::MemoryHub, model::Seq};
use tokio::task::JoinSet;

use crate::scene::Scene;

#[tokio::test(start_paused = true)]
async fn same_command_at_several_gateways_makes_one_entry_with_one_answer() {
    race(0).await;
}

#[tokio::test(start_paused = true)]
async fn unknown_outcomes_lose_and_double_nothing() {
    race(3).await;
    race(5).await;
}

/// 200 commands, each at three gateways; every so many-th append's outcome is unknown.
async fn race(doubt_every: u32) {
    let scene = Scene::with(3, &MemoryHub::new(), doubt_every);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut attempts = JoinSet::new();
    for (index, gateway) in (0..600).zip(scene.gateways.iter().cycle()) {
        let command = index / 3;
        let person = if command % 2 == 0 { ada.at(gateway) } else { bob.at(gateway) };
        let client_id = format!("c{command}");
        attempts.spawn(async move {
            (command, person.send_as(conversation, &client_id, &client_id).await)
        });
    }
    let mut answers: HashMap<i32, Vec<Seq>> = HashMap::new();
    while let Some(attempt) = attempts.join_next().await {
        let (command, answer) = attempt.unwrap();
        answers.entry(command).or_default().push(answer.unwrap().entry.entry.seq);
    }
    for (command, seqs) in answers {
        assert!(seqs.iter().all(|seq| *seq == seqs[0]), "{command}: {seqs:?}");
    }
    let log = scene.entries(conversation).await;
    assert_eq!(log.len(), 202, "every command once");
    assert!(log.iter().zip(1..).all(|(entry, seq)| entry.seq == Seq::new(seq)));
    assert_eq!(log.last().unwrap().ord, 200);
}

#[tokio::test(start_paused = true)]
async fn store_that_hangs_is_told_in_time_and_only_what_was_tried_is_unknown() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "warm").await;
    scene.log.hang(true);
    let started = tokio::time::Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        ada.send_as(conversation, "waited", "x").await
    };
    let (tried, waited) = tokio::join!(ada.send_as(conversation, "tried", "x"), later);
    assert_eq!(tried, Err(ChatError::OutcomeUnknown));
    assert!(matches!(waited, Err(ChatError::Unavailable(_))), "{waited:?}");
    assert!(started.elapsed() <= Duration::from_millis(2_100));
    scene.log.hang(false);
    let again = ada.send_as(conversation, "tried", "x").await.unwrap();
    assert!(again.replayed, "the append went through in the end");
    let entries = scene.entries(conversation).await;
    assert_eq!(entries.len(), 3, "what was called not done is not there");
}
