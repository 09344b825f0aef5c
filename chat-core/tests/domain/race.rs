//! Several gateways write to one conversation at the same moment.

use std::collections::HashMap;

use chat_core::{memory::MemoryHub, model::Seq};
use tokio::task::JoinSet;

use crate::scene::Scene;

#[tokio::test(start_paused = true)]
async fn same_command_at_several_gateways_makes_one_entry_with_one_answer() {
    for doubt_every in [0, 3, 5] {
        let scene = Scene::with(3, &MemoryHub::new(), doubt_every);
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let conversation = ada.direct(&bob).await;
        let mut attempts = JoinSet::new();
        for (index, gateway) in (0..600).zip(scene.gateways.iter().cycle()) {
            let command = index / 3;
            let person = if command % 2 == 0 { ada.at(gateway) } else { bob.at(gateway) };
            attempts.spawn(async move {
                let client_id = format!("c{command}");
                (command, person.send_as(conversation, &client_id, &client_id).await)
            });
        }
        let mut answers: HashMap<i32, Vec<Seq>> = HashMap::new();
        while let Some(attempt) = attempts.join_next().await {
            let (index, answer) = attempt.unwrap();
            answers.entry(index).or_default().push(answer.unwrap().entry.entry.seq);
        }
        for (index, seqs) in answers {
            assert!(seqs.iter().all(|seq| *seq == seqs[0]), "{index}: {seqs:?}");
        }
        let log = scene.log(conversation).await;
        assert_eq!(log.len(), 202, "every command once");
        assert!(log.iter().zip(1..).all(|(entry, seq)| entry.seq == Seq::new(seq)));
        assert_eq!(log.last().unwrap().ord, 200);
    }
}
