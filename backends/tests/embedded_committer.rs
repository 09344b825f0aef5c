//! Commands that wait together are one batch, and each sees those before it.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[path = "embedded/scene.rs"]
mod scene;

use std::task::{Context, Poll, Waker};

use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::{
    id::UserId,
    model::{ClientId, Cursor, Seq},
    port::{Append, Appended, Stores},
};
use futures_util::future::join_all;
use scene::Scribe;
use tempfile::TempDir;

fn open() -> (TempDir, Embedded, Stores) {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
    let stores = embedded.stores();
    (dir, embedded, stores)
}

/// The scribe after each of so many messages, none of them sent.
fn planned(count: usize) -> Vec<Scribe> {
    let mut scribe = Scribe::new(1);
    (0..count)
        .map(|_| {
            scribe.pretend();
            scribe.clone()
        })
        .collect()
}

async fn append_last(stores: &Stores, scribe: &Scribe) -> Appended {
    let entry = scribe.entries.last().unwrap();
    let append = Append {
        conversation: scribe.conversation,
        after: entry.seq.previous(),
        entries: std::slice::from_ref(entry),
        bases: &[Seq::ZERO],
        head: scribe.head,
    };
    stores.log.append(append).await.unwrap()
}

#[tokio::test]
async fn appends_to_one_conversation_that_wait_together_see_each_other() {
    let (_dir, _embedded, stores) = open();
    let plan = planned(600);
    let answers = join_all(plan.iter().map(|scribe| append_last(&stores, scribe))).await;
    assert!(answers.iter().all(|answer| *answer == Appended::Done));
    let mut scribe = plan.last().unwrap().clone();
    scribe.holds(&stores).await;
    scribe.send(&stores).await;
}

#[tokio::test]
async fn repeats_that_wait_together_make_one_entry() {
    let (_dir, _embedded, stores) = open();
    let plan = planned(1);
    let answers = join_all((0..50).map(|_| append_last(&stores, &plan[0]))).await;
    let done = answers.iter().filter(|answer| **answer == Appended::Done).count();
    assert_eq!(done, 1);
    let stands = Appended::Duplicate { entries: vec![(0, plan[0].entries[0].clone())] };
    assert_eq!(answers.iter().filter(|answer| **answer == stands).count(), 49);
    plan[0].holds(&stores).await;
}

/// What a caller no longer waits for is done or not; but once somebody has looked, it stays so.
#[tokio::test]
async fn look_after_giving_up_is_final() {
    let (_dir, _embedded, stores) = open();
    let mut scribe = Scribe::new(1);
    let mut done = 0;
    for round in 0..300 {
        let mut next = scribe.clone();
        next.pretend();
        let waker = Waker::noop();
        let mut append = Box::pin(append_last(&stores, &next));
        assert!(append.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        if round % 3 == 0 {
            tokio::task::yield_now().await;
        }
        drop(append);
        let client_id = ClientId::new(&format!("c-{}", next.head.seq)).unwrap();
        let find = || stores.log.find(next.conversation, next.sender, &client_id, Seq::ZERO);
        let found = find().await.unwrap();
        // A command of somebody else, so that whatever still waited is done.
        let somebody = UserId::new(9).unwrap();
        stores.cursors.advance(somebody, next.conversation, Cursor::default()).await.unwrap();
        assert_eq!(find().await.unwrap(), found);
        if found.is_some() {
            scribe = next;
            done += 1;
        }
        scribe.holds_log(&stores).await;
    }
    assert!(done < 300);
}

#[tokio::test]
async fn closed_store_refuses_writes_and_has_done_what_waited() {
    let (dir, embedded, stores) = open();
    let plan = planned(200);
    let mut waiting: Vec<_> =
        plan.iter().map(|scribe| Box::pin(append_last(&stores, scribe))).collect();
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
    let again = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
    plan.last().unwrap().holds(&again.stores()).await;
}
