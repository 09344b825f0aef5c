//! Several gateways write to one conversation at the same moment.

use std::collections::HashMap;

use chat_core::{memory::MemoryHub, model::Seq};
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
    let log = scene.log(conversation).await;
    assert_eq!(log.len(), 202, "every command once");
    assert!(log.iter().zip(1..).all(|(entry, seq)| entry.seq == Seq::new(seq)));
    assert_eq!(log.last().unwrap().ord, 200);
}
