//! A network that loses answers and forges time-outs: every outcome becomes known, nothing is lost,
//! nothing is there twice, and a store that is silent is not waited for.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[expect(dead_code, reason = "this file of tests uses some of it")]
#[path = "scylla/faulty.rs"]
mod faulty;
#[expect(dead_code, reason = "this file of tests uses some of it")]
#[path = "scylla/stage.rs"]
mod stage;
#[path = "scylla/writer.rs"]
mod writer;

use std::{sync::Arc, time::Duration};

use backends::scylla::{Health, Unknowns};
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Head, Seq},
    port::{Appended, Stores},
};
use scylla_proxy::{
    Condition, Reaction, RequestOpcode, RequestReaction, RequestRule, ResponseFrame,
    ResponseReaction, ResponseRule,
};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    faulty::{Faulty, applied, faulty, timeout},
    stage::Stage,
    writer::{Draft, Writer, fresh, text},
};

/// One statement; a fifth more for a call.
const WITHIN: Duration = Duration::from_millis(1_500);

/// The answer becomes a time-out: it may have been done, and here it has.
fn forge_timeouts(permille: u32) -> ResponseRule {
    let forge =
        |frame: ResponseFrame| ResponseFrame::forged_error(frame.params, timeout(), None).unwrap();
    ResponseRule(applied(permille), ResponseReaction::transform_frame(Arc::new(forge)))
}

/// The request never arrives, and a time-out comes back: it has not been done.
fn refuse_batches(permille: u32) -> RequestRule {
    let when = Condition::RequestOpcode(RequestOpcode::Batch)
        .and(Condition::RandomWithProbability(f64::from(permille) / 1_000.0));
    RequestRule(when, RequestReaction::forge_with_error(timeout()))
}

async fn one_append(stores: &Stores, writer: &mut Writer) -> (Entry, Duration) {
    let began = Instant::now();
    let draft = Draft::new(fresh(), text("x"));
    let mut entries = writer.append(stores, &[draft]).await;
    (entries.remove(0), began.elapsed())
}

/// The answer of a batch that was applied is made a time-out: the append says that it is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applied_batch_behind_a_forged_timeout_is_done() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let mut faulty = faulty(&stage, Duration::from_secs(20)).await;
    let stores = faulty.gateway.stores();
    faulty.responses(vec![forge_timeouts(1_000)]);
    let (mut writer, mut entries) = (Writer::new(), Vec::new());
    for _ in 0..10 {
        entries.push(one_append(&stores, &mut writer).await.0);
    }
    assert_eq!(faulty.gateway.unknowns(), Unknowns { met: 10, done: 10, not_done: 0 });
    faulty.heal();
    assert_eq!(writer.log(&stores).await, entries);
}

/// A batch that never arrived behind a forged time-out is sent again, and is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_batch_behind_a_forged_timeout_is_sent_again() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let mut faulty = faulty(&stage, Duration::from_secs(20)).await;
    let stores = faulty.gateway.stores();
    let (mut writer, mut entries) = (Writer::new(), Vec::new());
    for _ in 0..10 {
        let once =
            Condition::RequestOpcode(RequestOpcode::Batch).and(Condition::TrueForLimitedTimes(1));
        let forged = RequestReaction::forge_with_error(timeout());
        faulty.requests(vec![RequestRule(once, forged)]);
        entries.push(one_append(&stores, &mut writer).await.0);
    }
    assert_eq!(faulty.gateway.unknowns(), Unknowns { met: 10, done: 0, not_done: 10 });
    faulty.heal();
    assert_eq!(writer.log(&stores).await, entries);
}

/// The answer of an applied batch is lost: within two seconds the append is known to be done, or
/// unknown, and then the next read is final.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answer_of_an_applied_batch_is_settled_in_time() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let mut faulty = faulty(&stage, WITHIN).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    one_append(&stores, &mut writer).await;
    faulty.responses(vec![ResponseRule(applied(1_000), ResponseReaction::drop_frame())]);
    let began = Instant::now();
    let draft = [Draft::new(fresh(), text("lost answer"))];
    let (answer, entries, head) = writer.append_from(&stores, &draft, writer.head.seq).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(matches!(answer, Ok(Appended::Done) | Err(StoreError::Unknown(_))), "{answer:?}");
    assert_eq!(writer.head_on(&stores).await, head);
    assert_eq!(writer.log(&stores).await.last(), entries.last());
}

/// The first two tries of a batch are lost without a word: the third is there in time for the
/// call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batch_whose_first_tries_are_lost_is_done_within_its_call() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let mut faulty = faulty(&stage, WITHIN * 4).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    one_append(&stores, &mut writer).await;
    let twice =
        Condition::RequestOpcode(RequestOpcode::Batch).and(Condition::TrueForLimitedTimes(2));
    faulty.requests(vec![RequestRule(twice, RequestReaction::drop_frame())]);
    let entry = one_append(&stores, &mut writer).await.0;
    assert_eq!(faulty.gateway.unknowns(), Unknowns { met: 2, done: 0, not_done: 2 });
    assert_eq!(writer.log(&stores).await.last(), Some(&entry));
}

async fn settle(stores: Stores, conversation: ConversationId, draft: Draft, base: Seq) -> Entry {
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

async fn sender(handles: [Stores; 2], conversation: ConversationId, user: UserId) -> Vec<Entry> {
    let (mut base, mut answers) = (Seq::ZERO, Vec::new());
    for nth in 0..15 {
        let draft = Draft::new(user, text(&format!("{nth}")));
        let [one, other] = handles.clone();
        let first = settle(one, conversation, draft.clone(), base);
        let entry = if nth % 10 < 3 {
            let (first, second) =
                tokio::join!(first, settle(other, conversation, draft.clone(), base));
            assert_eq!(first, second, "two answers to one command");
            first
        } else {
            first.await
        };
        assert!(entry.seq > base);
        base = entry.seq;
        answers.push(entry);
    }
    answers
}

/// Eight senders on two gateways, three in ten commands on both at once, a fifth of all answers
/// forged and a tenth of all batches lost, in buckets of eight: a dense log, each command once, and
/// both outcomes of an unknown append were met (lost-write, duplicate, ack-divergence, hole).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_beside_many_senders_leave_one_dense_log() {
    let Some(stage) = Stage::shared("edges_8", 8).await else { return };
    let mut gateways = [
        faulty(&stage, Duration::from_secs(20)).await,
        faulty(&stage, Duration::from_secs(20)).await,
    ];
    for faulty in &mut gateways {
        faulty.requests(vec![refuse_batches(100)]);
        faulty.responses(vec![forge_timeouts(200)]);
    }
    let conversation = fresh();
    let mut senders = JoinSet::new();
    for nth in 0..8 {
        let handles = [nth, nth + 1].map(|at| gateways[at % 2].gateway.stores());
        senders.spawn(sender(handles, conversation, fresh()));
    }
    let answers: Vec<_> = senders.join_all().await.into_iter().flatten().collect();
    gateways.iter_mut().for_each(Faulty::heal);
    let writer = Writer { conversation, head: Head::default() };
    let mut all = Unknowns::default();
    for faulty in &gateways {
        let log = writer.log(&faulty.gateway.stores()).await;
        assert_eq!(log.len(), 8 * 15);
        assert!(log.iter().zip(1..).all(|(entry, seq)| entry.seq == Seq::new(seq)));
        assert!(answers.iter().all(|answer| log.contains(answer)));
        let Unknowns { met, done, not_done } = faulty.gateway.unknowns();
        all.met += met;
        all.done += done;
        all.not_done += not_done;
    }
    // Which gateway meets how many is left to chance; both together meet enough of each.
    assert!(all.met >= 20 && all.done >= 2 && all.not_done >= 2, "{all:?}");
}

/// A store that does not answer: each call ends within two seconds, after a while all are refused
/// at once, and when the store is back so is everything, without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_store_is_not_waited_for() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let mut faulty = faulty(&stage, WITHIN).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    one_append(&stores, &mut writer).await;
    faulty.requests(vec![RequestRule(Condition::True, RequestReaction::drop_frame())]);
    let mut calls = JoinSet::new();
    for _ in 0..12 {
        let (stores, writer) = (stores.clone(), writer.clone());
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
    assert_eq!(faulty.gateway.health(), Health::Silent);
    let began = Instant::now();
    let refused = stores.log.heads(&[writer.conversation]).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    faulty.heal();
    let deadline = Instant::now() + Duration::from_secs(20);
    while faulty.gateway.health() != Health::Ok {
        assert!(Instant::now() < deadline, "the store is back and not found");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    writer.head = writer.head_on(&stores).await;
    one_append(&stores, &mut writer).await;
}
