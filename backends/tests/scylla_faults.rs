//! A network that drops answers and forges timeouts. Every outcome becomes known, nothing is lost
//! or appended twice, and calls to a silent store fail at once.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "scylla/faulty.rs"]
mod faulty;
#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "scylla/keyspace.rs"]
mod keyspace;
#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "redis/recorder.rs"]
mod recorder;
#[path = "scylla/writer.rs"]
mod writer;

use std::{sync::Arc, time::Duration};

use backends::scylla::Availability;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Head, Seq},
    port::{Appended, Stores},
};
use futures_util::FutureExt;
use metrics::set_default_local_recorder;
use scylla_proxy::{
    Condition, Reaction, RequestOpcode, RequestReaction, RequestRule, ResponseFrame,
    ResponseReaction, ResponseRule,
};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    faulty::{FaultyGateway, cas_timeout, conditional_answer, first_batches},
    keyspace::{STATEMENT_WITHIN, TestKeyspace, eventually},
    recorder::Recorder,
    writer::{Draft, Writer, fresh, text},
};

/// A short time for one statement; a call has a fifth more.
const SHORT: Duration = Duration::from_millis(1_500);

/// Replaces answers to conditional writes that were applied by timeouts.
fn forge_timeouts(permille: u32) -> ResponseRule {
    let forge = |frame: ResponseFrame| {
        ResponseFrame::forged_error(frame.params, cas_timeout(), None).unwrap()
    };
    ResponseRule(conditional_answer(permille), ResponseReaction::transform_frame(Arc::new(forge)))
}

/// Answers batches with timeouts instead of forwarding them.
fn refuse_batches(permille: u32) -> RequestRule {
    let condition = Condition::RequestOpcode(RequestOpcode::Batch)
        .and(Condition::RandomWithProbability(f64::from(permille) / 1_000.0));
    RequestRule(condition, RequestReaction::forge_with_error(cas_timeout()))
}

/// Returns how many appends had an unknown outcome, how many of these were found applied, and how
/// many were found not applied.
fn unknown_appends(recorder: &Recorder) -> [u64; 3] {
    let names = ["appends_unknown", "appends_unknown_done", "appends_unknown_not_done"];
    names.map(|name| recorder.count(name))
}

async fn append_one(stores: &Stores, writer: &mut Writer) -> Entry {
    writer.append(stores, &[Draft::new(fresh(), text("x"))]).await.remove(0)
}

#[tokio::test]
async fn append_is_done_when_an_applied_batch_is_answered_with_a_timeout() {
    let recorder = Recorder::default();
    let _guard = set_default_local_recorder(&recorder);
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let stores = faulty.gateway.stores();
    faulty.set_response_rules(vec![forge_timeouts(1_000)]);
    let mut writer = Writer::new();
    let mut entries = Vec::new();
    for _ in 0..10 {
        entries.push(append_one(&stores, &mut writer).await);
    }
    assert_eq!(unknown_appends(&recorder), [10, 10, 0]);
    faulty.heal();
    assert_eq!(writer.log(&stores).await, entries);
}

#[tokio::test]
async fn append_is_repeated_when_a_lost_batch_is_answered_with_a_timeout() {
    let recorder = Recorder::default();
    let _guard = set_default_local_recorder(&recorder);
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    let mut entries = Vec::new();
    for _ in 0..10 {
        let forge = RequestReaction::forge_with_error(cas_timeout());
        faulty.set_request_rules(vec![RequestRule(first_batches(1), forge)]);
        entries.push(append_one(&stores, &mut writer).await);
    }
    assert_eq!(unknown_appends(&recorder), [10, 0, 10]);
    faulty.heal();
    assert_eq!(writer.log(&stores).await, entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_is_done_when_the_answer_of_an_applied_batch_is_dropped() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, SHORT * 4).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    append_one(&stores, &mut writer).await;
    let drop_answers = ResponseRule(conditional_answer(1_000), ResponseReaction::drop_frame());
    faulty.set_response_rules(vec![drop_answers]);
    let entry = append_one(&stores, &mut writer).await;
    assert_eq!(writer.head_on(&stores).await, writer.head);
    assert_eq!(writer.log(&stores).await.last(), Some(&entry));
}

#[tokio::test]
async fn append_is_done_within_its_call_when_its_first_batches_are_dropped() {
    let recorder = Recorder::default();
    let _guard = set_default_local_recorder(&recorder);
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, SHORT * 4).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    append_one(&stores, &mut writer).await;
    let drop_two = RequestRule(first_batches(2), RequestReaction::drop_frame());
    faulty.set_request_rules(vec![drop_two]);
    let entry = append_one(&stores, &mut writer).await;
    assert_eq!(unknown_appends(&recorder), [2, 0, 2]);
    assert_eq!(writer.log(&stores).await.last(), Some(&entry));
}

/// Repeats a command until its entry is in the log, as a client does. Returns the entry.
async fn send(stores: Stores, conversation: ConversationId, draft: Draft, base: Seq) -> Entry {
    let mut writer = Writer { conversation, head: Head::default() };
    loop {
        writer.head = writer.head_on(&stores).await;
        let (answer, entries, _) =
            writer.append_from(&stores, std::slice::from_ref(&draft), base).await;
        match answer {
            Ok(Appended::Done) => return entries[0].clone(),
            Ok(Appended::Duplicate { entries }) => return entries[0].1.clone(),
            Ok(Appended::Moved { .. })
            | Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) => {}
            Err(StoreError::Corrupt(detail)) => unreachable!("{detail}"),
        }
    }
}

/// Sends 15 texts in turn, three of ten through both gateways at once. Returns their entries.
async fn send_all(gateways: [Stores; 2], conversation: ConversationId, user: UserId) -> Vec<Entry> {
    let mut base = Seq::ZERO;
    let mut sent = Vec::new();
    for nth in 0..15 {
        let draft = Draft::new(user, text(&format!("{nth}")));
        let [one, other] = gateways.clone();
        let first = send(one, conversation, draft.clone(), base);
        let entry = if nth % 10 < 3 {
            let second = send(other, conversation, draft.clone(), base);
            let (first, second) = tokio::join!(first, second);
            assert_eq!(first, second, "two answers to one command");
            first
        } else {
            first.await
        };
        assert!(entry.seq > base);
        base = entry.seq;
        sent.push(entry);
    }
    sent
}

/// A fifth of all answers is forged and a tenth of all batches is lost, in buckets of eight
/// entries.
#[tokio::test]
async fn log_is_dense_and_has_each_command_once_when_many_send_despite_faults() {
    let recorder = Recorder::default();
    let _guard = set_default_local_recorder(&recorder);
    let Some(keyspace) = TestKeyspace::shared("edges_8", 8).await else { return };
    let mut gateways = [
        FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await,
        FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await,
    ];
    for faulty in &mut gateways {
        faulty.set_request_rules(vec![refuse_batches(100)]);
        faulty.set_response_rules(vec![forge_timeouts(200)]);
    }
    let conversation = fresh();
    let mut senders = JoinSet::new();
    for nth in 0..8 {
        let stores = [nth, nth + 1].map(|at| gateways[at % 2].gateway.stores());
        senders.spawn(send_all(stores, conversation, fresh()));
    }
    let sent: Vec<_> = senders.join_all().await.into_iter().flatten().collect();
    gateways.iter_mut().for_each(FaultyGateway::heal);
    let writer = Writer { conversation, head: Head::default() };
    for faulty in &gateways {
        let log = writer.log(&faulty.gateway.stores()).await;
        assert_eq!(log.len(), 8 * 15);
        assert!(log.iter().zip(1..).all(|(entry, seq)| entry.seq == Seq::new(seq)));
        assert!(sent.iter().all(|entry| log.contains(entry)));
    }
    let [unknown, applied, not_applied] = unknown_appends(&recorder);
    let counts = format!("{unknown} unknown, {applied} applied, {not_applied} not applied");
    assert!(unknown >= 20 && applied >= 2 && not_applied >= 2, "{counts}");
}

/// Every call ends within two seconds. After some failures, calls fail at once. When the store
/// answers again, the gateway works again without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_fail_at_once_while_the_store_is_silent() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, SHORT).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    append_one(&stores, &mut writer).await;
    let drop_all = RequestRule(Condition::True, RequestReaction::drop_frame());
    faulty.set_request_rules(vec![drop_all]);
    let mut calls = JoinSet::new();
    for _ in 0..12 {
        let stores = stores.clone();
        let writer = writer.clone();
        calls.spawn(async move {
            let began = Instant::now();
            let draft = [Draft::new(fresh(), text("x"))];
            let (answer, ..) = writer.append_from(&stores, &draft, writer.head.seq).await;
            (answer, began.elapsed())
        });
    }
    for (answer, took) in calls.join_all().await {
        assert!(matches!(answer, Err(StoreError::Unknown(_))), "{answer:?}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    assert_eq!(faulty.gateway.availability(), Availability::Silent);
    let refused = stores.log.heads(&[writer.conversation]).now_or_never();
    assert!(matches!(refused, Some(Err(StoreError::Unavailable(_)))), "{refused:?}");
    faulty.heal();
    eventually("the store answers again", async || {
        faulty.gateway.availability() == Availability::Ok
    })
    .await;
    writer.head = writer.head_on(&stores).await;
    append_one(&stores, &mut writer).await;
}
