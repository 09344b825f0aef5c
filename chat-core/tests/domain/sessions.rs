//! What a session is told: everything after its cursors, once and in order.

use std::time::Duration;

use chat_core::{
    command::{Change, Command},
    limits::RESUME_ENTRIES_MAX,
    memory::{BusFaults, MemoryHub},
    model::Seq,
    revocations::Revocations,
};

use crate::scene::{Scene, seqs};

#[tokio::test(start_paused = true)]
async fn session_without_cursors_begins_at_the_heads() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "old").await;
    let mut reader = ada.open(None).await;
    assert_eq!(reader.heads, [(conversation, Seq::new(2))]);
    ada.send(conversation, "new").await;
    assert_eq!(seqs(&reader.read().await), [3]);
}

#[tokio::test(start_paused = true)]
async fn session_with_cursors_continues_after_each_of_them() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    for text in ["2", "3", "4"] {
        ada.send(conversation, text).await;
    }
    let mut reader = ada.open(Some([(conversation, Seq::new(2))].into())).await;
    assert_eq!(seqs(&reader.read().await), [3, 4]);
    let mut newcomer = ada.open(Some([].into())).await;
    let events = newcomer.read().await;
    assert!(events[0].starts_with("conversation "), "{events:?}");
    assert_eq!(seqs(&events), [1, 2, 3, 4]);
    let mut ahead = ada.open(Some([(conversation, Seq::new(9))].into())).await;
    assert_eq!(ahead.read().await, [format!("gap {conversation} 4 4")]);
    let nowhere = chat_core::id::ConversationId::new(7).unwrap();
    let cursors = [(conversation, Seq::new(4)), (nowhere, Seq::new(1))];
    assert_eq!(ada.open(Some(cursors.into())).await.read().await, ["removed 7"]);
}

#[tokio::test(start_paused = true)]
async fn run_that_is_too_long_becomes_one_gap_and_the_feed_goes_on() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    for _ in 0..=RESUME_ENTRIES_MAX {
        ada.send(conversation, "x").await;
    }
    let mut reader = ada.open(Some([(conversation, Seq::new(1))].into())).await;
    let head = RESUME_ENTRIES_MAX + 2;
    assert_eq!(reader.read().await, [format!("gap {conversation} 1 {head}")]);
    ada.send(conversation, "y").await;
    assert_eq!(seqs(&reader.read().await), [head + 1]);
    let mut just = ada.open(Some([(conversation, Seq::new(3))].into())).await;
    assert_eq!(seqs(&just.read().await), (4..=head + 1).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn member_is_told_of_joining_and_of_removal_and_of_nothing_after() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let bob = bob.at(&scene.gateways[1]);
    let mut reader = bob.open(None).await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "before").await;
    let add = Change::SetMember { user: bob.id(), role: None };
    ada.change(conversation, add.clone()).await.unwrap();
    ada.send(conversation, "hello").await;
    let events = reader.read().await;
    assert!(events[0].starts_with("conversation "), "{events:?}");
    assert_eq!(seqs(&events), [3, 4]);
    ada.change(conversation, Change::Remove { user: bob.id() }).await.unwrap();
    ada.send(conversation, "without you").await;
    let events = reader.read().await;
    assert_eq!(seqs(&events), [5]);
    assert_eq!(events.last().unwrap(), &format!("removed {conversation}"));
    ada.change(conversation, add).await.unwrap();
    assert_eq!(seqs(&reader.read().await), [7], "the new joining, and nothing from between");
}

#[tokio::test(start_paused = true)]
async fn reader_that_falls_behind_goes_on_from_the_store() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let mut reader = ada.open(None).await;
    let text = "x".repeat(chat_core::limits::TEXT_BYTES_MAX);
    for _ in 0..60 {
        ada.send(conversation, &text).await;
    }
    assert_eq!(seqs(&reader.read().await), (2..=61).collect::<Vec<_>>());
    ada.send(conversation, "live again").await;
    assert_eq!(seqs(&reader.read().await), [62]);
}

#[tokio::test(start_paused = true)]
async fn receipts_and_typing_reach_the_others_on_every_gateway() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let seq = ada.send(conversation, "x").await;
    let mut reader = ada.at(&scene.gateways[1]).open(None).await;
    let receipt = Command::Receipt { conversation, delivered_seq: None, read_seq: Some(seq) };
    bob.execute(receipt.clone()).await.unwrap();
    bob.execute(receipt).await.unwrap();
    bob.execute(Command::Typing { conversation, on: true }).await.unwrap();
    let expected = [
        format!("receipt {conversation} {} #3 #3", bob.id()),
        format!("typing {conversation} {} true", bob.id()),
    ];
    assert_eq!(reader.read().await, expected);
}

#[tokio::test(start_paused = true)]
async fn revoked_login_ends_its_sessions_and_no_others() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let (mut one, mut other) = (ada.open(None).await, ada.open(None).await);
    scene.gateways[0].revoked(ada.identity);
    assert_eq!(one.read().await, ["ended LoggedOut"]);
    assert_eq!(other.read().await, ["ended LoggedOut"]);
    assert!(scene.gateways[0].is_revoked(ada.identity.login));
}

#[tokio::test(start_paused = true)]
async fn hints_that_are_lost_doubled_and_reordered_do_no_harm() {
    for seed in 0..20 {
        let faults = BusFaults {
            drop_permille: 300,
            double_permille: 300,
            delay_permille: 300,
            ..BusFaults::default()
        };
        let scene = Scene::with(3, &MemoryHub::with_faults(seed, faults), 7);
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let conversation = ada.direct(&bob).await;
        let mut reader = bob.at(&scene.gateways[1]).open(None).await;
        for index in 0..40 {
            let gateway = &scene.gateways[index % 3];
            let client_id = format!("c{index}");
            ada.at(gateway).send_as(conversation, &client_id, "x").await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(15)).await;
        assert_eq!(seqs(&reader.read().await), (3..=42).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn entries_arrive_within_two_seconds_of_the_moment_when_hints_cease() {
    for after in [0, 300, 2_500, 4_900] {
        let hub = MemoryHub::new();
        let scene = Scene::with(2, &hub, 0);
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let conversation = ada.direct(&bob).await;
        let mut reader = bob.at(&scene.gateways[1]).open(None).await;
        tokio::time::sleep(Duration::from_millis(after)).await;
        hub.cut_off();
        for pause in [0, 100, 1_300] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            ada.send(conversation, "x").await;
            let arrived = tokio::time::timeout(Duration::from_secs(2), reader.message()).await;
            assert!(arrived.is_ok(), "cut after {after} ms, sent {pause} ms later");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn opening_asks_for_all_heads_at_once() {
    let scene = Scene::new(2);
    let ada = scene.person("ada").await;
    for number in 0..30 {
        let other = scene.person(&format!("other-{number}")).await;
        ada.direct(&other).await;
    }
    let before = scene.log.heads_asked();
    let reader = ada.at(&scene.gateways[1]).open(None).await;
    assert_eq!((reader.heads.len(), scene.log.heads_asked() - before), (30, 1));
}

#[tokio::test(start_paused = true)]
async fn one_cursor_map_works_on_any_gateway() {
    let scene = Scene::new(3);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let (mut resume, mut seen) = (None, Vec::new());
    for round in 0..30 {
        let mut reader = bob.at(&scene.gateways[round % 3]).open(resume.take()).await;
        ada.at(&scene.gateways[(round + 1) % 3]).send(conversation, "x").await;
        if round % 2 == 0 {
            seen.extend(seqs(&reader.read().await));
        }
        resume = Some(reader.resume());
    }
    let mut reader = bob.open(resume).await;
    seen.extend(seqs(&reader.read().await));
    assert_eq!(seen, (3..=32).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn cursor_from_before_a_new_joining_goes_on_there_without_a_gap() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    ada.change(conversation, Change::Remove { user: bob.id() }).await.unwrap();
    ada.send(conversation, "without you").await;
    ada.change(conversation, Change::SetMember { user: bob.id(), role: None }).await.unwrap();
    ada.send(conversation, "hello").await;
    let mut reader = bob.open(Some([(conversation, Seq::new(2))].into())).await;
    assert_eq!(seqs(&reader.read().await), [5, 6]);
}
