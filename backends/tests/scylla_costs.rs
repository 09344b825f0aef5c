//! What a call costs the store, in statements.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[expect(dead_code, reason = "this file of tests uses some of it")]
#[path = "scylla/faulty.rs"]
mod faulty;
#[expect(dead_code, reason = "this file of tests uses some of it")]
#[path = "scylla/stage.rs"]
mod stage;
#[path = "scylla/writer.rs"]
mod writer;

use std::time::Duration;

use chat_core::{
    model::{Seq, User, Username},
    port::{Appended, Stores},
    time::Clock,
};
use scylla_proxy::{Condition, RequestOpcode, RequestReaction, RequestRule};

use crate::{
    faulty::{count, faulty, timeout},
    stage::Stage,
    writer::{CLOCK, Draft, Writer, fresh, text},
};

const PATIENCE: Duration = Duration::from_secs(20);

async fn append(stores: &Stores, writer: &mut Writer) {
    writer.append(stores, &[Draft::new(fresh(), text("x"))]).await;
}

/// However long ago a command's base is: buckets that have a successor are settled, and read plainly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_base_costs_no_serial_reads() {
    let Some(stage) = Stage::shared("edges_2", 2).await else { return };
    let mut faulty = faulty(&stage, PATIENCE).await;
    let (stores, mut writer) = (faulty.gateway.stores(), Writer::new());
    for _ in 0..20 {
        append(&stores, &mut writer).await;
    }
    let (rule, counted) = count();
    faulty.requests(vec![rule]);
    let draft = [Draft::new(fresh(), text("x"))];
    let (answer, ..) = writer.append_from(&stores, &draft, Seq::ZERO).await;
    assert_eq!(answer.unwrap(), Appended::Done);
    let (_, serial) = counted.take();
    assert!(serial <= 1, "{serial} serial reads of ten buckets");
}

/// A refusal has settled its partition; why it was refused is read plainly. After an outcome that is
/// unknown, one serial read does so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_append_costs_no_serial_read_and_an_unknown_one_costs_one() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let mut faulty = faulty(&stage, PATIENCE).await;
    let (stores, mut writer) = (faulty.gateway.stores(), Writer::new());
    append(&stores, &mut writer).await;
    let behind = writer.clone();
    append(&stores, &mut writer).await;
    let (rule, counted) = count();
    faulty.requests(vec![rule]);
    let draft = [Draft::new(fresh(), text("x"))];
    let (answer, ..) = behind.append_from(&stores, &draft, Seq::ZERO).await;
    assert_eq!(answer.unwrap(), Appended::Moved { head: writer.head });
    assert_eq!(counted.take(), (2, 0), "keys and head");

    let once =
        Condition::RequestOpcode(RequestOpcode::Batch).and(Condition::TrueForLimitedTimes(1));
    let lose = RequestRule(once, RequestReaction::forge_with_error(timeout()));
    let (rule, counted) = count();
    faulty.requests(vec![lose, rule]);
    append(&stores, &mut writer).await;
    assert_eq!(counted.take(), (2, 1), "the place, then keys and head");
}

/// A short prefix fits many names; only as many people as are asked for are read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_prefix_costs_no_more_people_than_asked_for() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let mut faulty = faulty(&stage, PATIENCE).await;
    let stores = faulty.gateway.stores();
    for second in 'a'..='j' {
        for nth in 0..4 {
            let username = Username::new(&format!("q{second}{nth}x")).unwrap();
            let display_name = "x".into();
            let user = User { id: fresh(), username, display_name, created_at: CLOCK.now() };
            assert!(stores.accounts.claim(&user, "hash").await.unwrap());
        }
    }
    let (rule, counted) = count();
    faulty.requests(vec![rule]);
    assert_eq!(stores.accounts.search("q", 4).await.unwrap().len(), 4);
    let (plain, _) = counted.take();
    assert!(plain <= 39 + 4, "{plain} statements for four people");
}
