//! The committer: commands that wait together form one batch, and each sees the earlier ones.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[path = "embedded/writer.rs"]
mod writer;

use std::task::{Context, Poll, Waker};

use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::{
    id::UserId,
    model::{ClientId, Cursor, Seq},
    port::{Append, Appended, Stores},
};
use futures_util::future::join_all;
use tempfile::TempDir;
use writer::Writer;

fn open() -> (TempDir, Embedded, Stores) {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
    let stores = embedded.stores();
    (dir, embedded, stores)
}

/// Returns the writer's state after each of `count` messages, without sending them.
fn plan_messages(count: usize) -> Vec<Writer> {
    let mut writer = Writer::new(1);
    (0..count)
        .map(|_| {
            writer.remember_next();
            writer.clone()
        })
        .collect()
}

async fn append_last(stores: &Stores, writer: &Writer) -> Appended {
    let entry = writer.entries.last().unwrap();
    let append = Append {
        conversation: writer.conversation,
        after: entry.seq.previous(),
        entries: std::slice::from_ref(entry),
        bases: &[Seq::ZERO],
        head: writer.head,
    };
    stores.log.append(append).await.unwrap()
}

#[tokio::test]
async fn append_sees_earlier_appends_of_its_batch() {
    let (_dir, _embedded, stores) = open();
    let plan = plan_messages(600);
    let answers = join_all(plan.iter().map(|writer| append_last(&stores, writer))).await;
    assert!(answers.iter().all(|answer| *answer == Appended::Done));
    let mut writer = plan.last().unwrap().clone();
    writer.assert_stored(&stores).await;
    writer.send(&stores).await;
}

#[tokio::test]
async fn repeated_append_makes_one_entry_when_in_one_batch() {
    let (_dir, _embedded, stores) = open();
    let plan = plan_messages(1);
    let answers = join_all((0..50).map(|_| append_last(&stores, &plan[0]))).await;
    let done = answers.iter().filter(|answer| **answer == Appended::Done).count();
    assert_eq!(done, 1);
    let duplicate = Appended::Duplicate { entries: vec![(0, plan[0].entries[0].clone())] };
    assert_eq!(answers.iter().filter(|answer| **answer == duplicate).count(), 49);
    plan[0].assert_stored(&stores).await;
}

/// An abandoned append may or may not be applied. Once somebody has read the outcome, it is final.
#[tokio::test]
async fn read_is_final_when_an_append_was_abandoned() {
    let (_dir, _embedded, stores) = open();
    let mut writer = Writer::new(1);
    let mut applied = 0;
    for round in 0..300 {
        let mut next = writer.clone();
        next.remember_next();
        let waker = Waker::noop();
        let mut append = Box::pin(append_last(&stores, &next));
        // The committer may be faster than this thread.
        let is_answered = append.as_mut().poll(&mut Context::from_waker(waker)).is_ready();
        if round % 3 == 0 {
            tokio::task::yield_now().await;
        }
        drop(append);
        let client_id = ClientId::new(&format!("c-{}", next.head.seq)).unwrap();
        let find = || stores.log.find(next.conversation, next.sender, &client_id, Seq::ZERO);
        let found = find().await.unwrap();
        assert!(found.is_some() || !is_answered);
        // Another command makes the committer finish everything that was queued before.
        let other = UserId::new(9).unwrap();
        stores.cursors.advance(other, next.conversation, Cursor::default()).await.unwrap();
        assert_eq!(find().await.unwrap(), found);
        if found.is_some() {
            writer = next;
            applied += 1;
        }
        writer.assert_log(&stores).await;
    }
    assert!(applied < 300);
}

#[tokio::test]
async fn closed_store_finishes_queued_writes_and_refuses_new_ones() {
    let (dir, embedded, stores) = open();
    let plan = plan_messages(200);
    let mut waiting: Vec<_> =
        plan.iter().map(|writer| Box::pin(append_last(&stores, writer))).collect();
    let mut context = Context::from_waker(Waker::noop());
    for append in &mut waiting {
        assert_eq!(append.as_mut().poll(&mut context), Poll::Pending);
    }
    embedded.close();
    let answers = join_all(waiting).await;
    assert!(answers.iter().all(|answer| *answer == Appended::Done));
    let mut late = plan.last().unwrap().clone();
    assert!(late.try_send(&stores).await.is_err());
    drop(stores);
    let reopened = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
    plan.last().unwrap().assert_stored(&reopened.stores()).await;
}
