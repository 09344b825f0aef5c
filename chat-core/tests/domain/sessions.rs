//! A session receives everything after its cursors, once and in order.

use std::time::Duration;

use chat_core::{
    budget::Reserved,
    command::Command,
    error::ChatError,
    faults::Call,
    id::ConversationId,
    limits::{
        HISTORY_AT_ONCE_MAX, HISTORY_PAGE_BYTES, RESUME_ENTRIES_MAX, RESUMING_MAX, TEXT_BYTES_MAX,
        UNREAD_BYTES_DEFAULT,
    },
    memory::{BusFaults, MemoryHub, MemoryStores},
    model::Seq,
    revocations::Revocations,
};
use tokio::{task::JoinSet, time::sleep};

use crate::scene::{Scene, seqs};

#[tokio::test(start_paused = true)]
async fn session_starts_at_the_heads_when_opened_without_cursors() {
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
async fn session_continues_after_each_cursor_when_resumed() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    for text in ["2", "3", "4"] {
        ada.send(conversation, text).await;
    }
    let mut resumed = ada.open(Some([(conversation, Seq::new(2))].into())).await;
    assert_eq!(seqs(&resumed.read().await), [3, 4]);
    let mut without_cursor = ada.open(Some([].into())).await;
    let events = without_cursor.read().await;
    assert!(events[0].starts_with("conversation "), "{events:?}");
    assert_eq!(seqs(&events), [1, 2, 3, 4]);
    let mut ahead = ada.open(Some([(conversation, Seq::new(9))].into())).await;
    assert_eq!(ahead.read().await, [format!("gap {conversation} 4 4")]);
    let missing = ConversationId::new(7).unwrap();
    let cursors = [(conversation, Seq::new(4)), (missing, Seq::new(1))];
    assert_eq!(ada.open(Some(cursors.into())).await.read().await, ["removed 7"]);
}

#[tokio::test(start_paused = true)]
async fn resume_becomes_one_gap_when_too_many_entries_are_missing() {
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
    let mut at_the_limit = ada.open(Some([(conversation, Seq::new(3))].into())).await;
    assert_eq!(seqs(&at_the_limit.read().await), (4..=head + 1).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn member_receives_the_join_the_removal_and_nothing_after() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let bob = bob.at(&scene.gateways[1]);
    let mut reader = bob.open(None).await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "before").await;
    ada.add(conversation, &bob).await;
    ada.send(conversation, "hello").await;
    let events = reader.read().await;
    assert!(events[0].starts_with("conversation "), "{events:?}");
    assert_eq!(seqs(&events), [3, 4]);
    ada.remove(conversation, &bob).await;
    ada.send(conversation, "without you").await;
    let events = reader.read().await;
    assert_eq!(seqs(&events), [5]);
    assert_eq!(events.last().unwrap(), &format!("removed {conversation}"));
    ada.add(conversation, &bob).await;
    assert_eq!(seqs(&reader.read().await), [7], "the new join and nothing before it");
}

#[tokio::test(start_paused = true)]
async fn session_continues_from_the_store_when_it_falls_behind() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let mut reader = ada.open(None).await;
    let text = "x".repeat(TEXT_BYTES_MAX);
    for _ in 0..60 {
        ada.send(conversation, &text).await;
    }
    assert_eq!(seqs(&reader.read().await), (2..=61).collect::<Vec<_>>());
    ada.send(conversation, "live again").await;
    assert_eq!(seqs(&reader.read().await), [62]);
}

#[tokio::test(start_paused = true)]
async fn receipts_and_typing_reach_members_on_other_gateways() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    bob.accept(conversation).await;
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
async fn sessions_of_a_login_end_when_it_is_revoked() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let bob = scene.person("bob").await;
    let (mut one, mut other) = (ada.open(None).await, ada.open(None).await);
    let mut bobs = bob.open(None).await;
    scene.gateways[0].revoked(ada.identity);
    assert_eq!(one.read().await, ["ended LoggedOut"]);
    assert_eq!(other.read().await, ["ended LoggedOut"]);
    assert_eq!(bobs.read().await, [""; 0]);
    assert!(scene.gateways[0].is_revoked(ada.identity.login));
    assert!(!scene.gateways[0].is_revoked(bob.identity.login));
}

#[tokio::test(start_paused = true)]
async fn session_receives_each_entry_once_when_hints_are_faulty() {
    for seed in 0..20 {
        let faults = BusFaults {
            drop_permille: 300,
            double_permille: 300,
            delay_permille: 300,
            ..BusFaults::default()
        };
        let scene = Scene::on(3, &MemoryHub::with_faults(seed, faults), MemoryStores::new());
        scene.faults.lose_every(Call::Append, 7);
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let conversation = ada.direct(&bob).await;
        let mut reader = bob.at(&scene.gateways[1]).open(None).await;
        for index in 0..40 {
            let gateway = &scene.gateways[index % 3];
            let client_id = format!("c{index}");
            ada.at(gateway).send_as(conversation, &client_id, "x").await.unwrap();
        }
        sleep(Duration::from_secs(15)).await;
        assert_eq!(seqs(&reader.read().await), (3..=42).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn entries_arrive_within_two_seconds_when_the_bus_fails() {
    for after in [0, 300, 2_500, 4_900] {
        let hub = MemoryHub::new();
        let scene = Scene::on(2, &hub, MemoryStores::new());
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let conversation = ada.direct(&bob).await;
        let mut reader = bob.at(&scene.gateways[1]).open(None).await;
        sleep(Duration::from_millis(after)).await;
        hub.cut_off();
        for pause in [0, 100, 1_300] {
            sleep(Duration::from_millis(pause)).await;
            ada.send(conversation, "x").await;
            let received = reader.receives("message", Duration::from_secs(2)).await;
            assert!(received, "cut off after {after} ms, sent {pause} ms later");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn opening_reads_all_heads_in_one_call() {
    let scene = Scene::without_requests(2);
    let ada = scene.person("ada").await;
    for number in 0..30 {
        let other = scene.person(&format!("other-{number}")).await;
        ada.direct(&other).await;
    }
    let before = scene.faults.count(Call::Heads);
    let there = ada.at(&scene.gateways[1]);
    let reader = there.open(None).await;
    assert_eq!((reader.heads.len(), scene.faults.count(Call::Heads) - before), (30, 1));
    let second = there.open(None).await;
    let reads = scene.faults.count(Call::Heads) - before;
    assert_eq!((second.heads.len(), reads), (30, 1), "the gateway knows the heads");
}

#[tokio::test(start_paused = true)]
async fn cursors_continue_on_any_gateway() {
    let scene = Scene::new(3);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut resume = None;
    let mut received = Vec::new();
    for round in 0..30 {
        let mut reader = bob.at(&scene.gateways[round % 3]).open(resume.take()).await;
        ada.at(&scene.gateways[(round + 1) % 3]).send(conversation, "x").await;
        if round % 2 == 0 {
            received.extend(seqs(&reader.read().await));
        }
        resume = Some(reader.resume());
    }
    let mut reader = bob.open(resume).await;
    received.extend(seqs(&reader.read().await));
    assert_eq!(received, (3..=32).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn old_cursor_continues_at_the_join_when_added_again() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    ada.remove(conversation, &bob).await;
    ada.send(conversation, "without you").await;
    ada.add(conversation, &bob).await;
    ada.send(conversation, "hello").await;
    let mut reader = bob.open(Some([(conversation, Seq::new(2))].into())).await;
    assert_eq!(seqs(&reader.read().await), [5, 6]);
}

#[tokio::test(start_paused = true)]
async fn few_sessions_read_the_log_at_the_same_time_when_many_resume() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "missed").await;
    let before = scene.faults.count(Call::Read);
    scene.faults.gate(Call::Read).close();
    let mut resuming = JoinSet::new();
    for _ in 0..3 * RESUMING_MAX {
        let mut reader = ada.open(Some([(conversation, Seq::new(1))].into())).await;
        resuming.spawn(async move { seqs(&reader.read().await) });
    }
    sleep(Duration::from_millis(100)).await;
    assert_eq!(scene.faults.count(Call::Read) - before, RESUMING_MAX);
    scene.faults.gate(Call::Read).open();
    let received = resuming.join_all().await;
    assert_eq!(received.len(), 3 * RESUMING_MAX);
    assert!(received.iter().all(|seqs| *seqs == [2]), "{received:?}");
}

#[tokio::test(start_paused = true)]
async fn few_pages_of_history_are_read_at_the_same_time() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "hello").await;
    let before = scene.faults.count(Call::Read);
    scene.faults.gate(Call::Read).close();
    let mut pages = JoinSet::new();
    for _ in 0..3 * HISTORY_AT_ONCE_MAX {
        let ada = ada.clone();
        pages.spawn(async move { ada.history(conversation).await });
    }
    sleep(Duration::from_millis(100)).await;
    assert_eq!(scene.faults.count(Call::Read) - before, HISTORY_AT_ONCE_MAX);
    scene.faults.gate(Call::Read).open();
    let pages = pages.join_all().await;
    assert_eq!(pages.len(), 3 * HISTORY_AT_ONCE_MAX);
}

#[tokio::test(start_paused = true)]
async fn page_of_history_is_not_read_when_the_user_has_too_many_unread_bytes() {
    let scene = Scene::new(1);
    let (ada, grace) = (scene.person("ada").await, scene.person("grace").await);
    let conversation = ada.group(&[&grace]).await;
    ada.send(conversation, "hello").await;
    let mut unread = Reserved::none(scene.unread.of(ada.id()));
    assert!(unread.try_add(UNREAD_BYTES_DEFAULT / 16 - HISTORY_PAGE_BYTES + 1));
    let before = scene.faults.count(Call::Read);
    let refused = ada.history(conversation).await;
    assert!(matches!(refused, Err(ChatError::RateLimited { .. })), "{refused:?}");
    assert_eq!(scene.faults.count(Call::Read), before);
    assert!(grace.history(conversation).await.is_ok());
    unread.release(1);
    assert!(ada.history(conversation).await.is_ok());
    assert_eq!(scene.unread.of(ada.id()).used(), unread.bytes());
}
