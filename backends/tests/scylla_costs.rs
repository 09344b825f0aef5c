//! How many statements a call sends to the store.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "scylla/faulty.rs"]
mod faulty;
#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "scylla/keyspace.rs"]
mod keyspace;
#[path = "scylla/writer.rs"]
mod writer;

use chat_core::{
    model::{Seq, User, Username},
    port::{Appended, NameClaim, Stores},
    time::Clock,
};
use scylla::errors::DbError;
use scylla_proxy::{Condition, Reaction, RequestOpcode, RequestReaction, RequestRule};

use crate::{
    faulty::{FaultyGateway, cas_timeout, count_statements, first_batches},
    keyspace::{STATEMENT_WITHIN, TestKeyspace},
    writer::{CLOCK, Draft, Writer, fresh, text},
};

async fn append(stores: &Stores, writer: &mut Writer) {
    writer.append(stores, &[Draft::new(fresh(), text("x"))]).await;
}

/// A bucket with a successor is sealed, so quorum reads of it suffice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_reads_sealed_buckets_without_serial_reads() {
    let Some(keyspace) = TestKeyspace::shared("edges_2", 2).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    for _ in 0..20 {
        append(&stores, &mut writer).await;
    }
    let (rule, counts) = count_statements();
    faulty.set_request_rules(vec![rule]);
    let draft = [Draft::new(fresh(), text("x"))];
    let (answer, ..) = writer.append_from(&stores, &draft, Seq::ZERO).await;
    assert_eq!(answer.unwrap(), Appended::Done);
    let (_, serial) = counts.take();
    assert!(serial <= 1, "{serial} serial reads of ten buckets");
}

/// A refused batch has settled its partition, so quorum reads find out why it was refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_append_sends_no_serial_read() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    append(&stores, &mut writer).await;
    let behind = writer.clone();
    append(&stores, &mut writer).await;
    let (rule, counts) = count_statements();
    faulty.set_request_rules(vec![rule]);
    let draft = [Draft::new(fresh(), text("x"))];
    let (answer, ..) = behind.append_from(&stores, &draft, Seq::ZERO).await;
    assert_eq!(answer.unwrap(), Appended::Moved { head: writer.head });
    assert_eq!(counts.take(), (2, 0), "keys and head");
}

/// One serial read settles the partition after an unknown outcome.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_sends_one_serial_read_after_an_unknown_outcome() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let stores = faulty.gateway.stores();
    let mut writer = Writer::new();
    append(&stores, &mut writer).await;
    let lose = RequestReaction::forge_with_error(cas_timeout());
    let (rule, counts) = count_statements();
    faulty.set_request_rules(vec![RequestRule(first_batches(1), lose), rule]);
    append(&stores, &mut writer).await;
    assert_eq!(counts.take(), (2, 1), "the batch's place, then keys and head");
}

/// A gateway reads which numbers others have before it tries one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_number_needs_one_attempt_when_all_others_are_leased() {
    let Some(keyspace) = TestKeyspace::shared("edges_8", 8).await else { return };
    keyspace.occupy_other_nodes(7).await;
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let refuse = RequestReaction::forge_with_error(DbError::Overloaded);
    faulty.set_request_rules(vec![
        RequestRule(first_batches(1), RequestReaction::noop()),
        RequestRule(Condition::RequestOpcode(RequestOpcode::Batch), refuse),
    ]);
    assert_eq!(faulty.gateway.lease_node().await.unwrap().node, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn search_reads_no_more_users_than_its_limit_when_many_names_match() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let stores = faulty.gateway.stores();
    for second in 'a'..='j' {
        for nth in 0..4 {
            let username = Username::new(&format!("q{second}{nth}x")).unwrap();
            let display_name = "x".into();
            let user = User { id: fresh(), username, display_name, created_at: CLOCK.now() };
            assert_eq!(stores.accounts.claim(&user, "hash").await.unwrap(), NameClaim::Yours);
        }
    }
    let (rule, counts) = count_statements();
    faulty.set_request_rules(vec![rule]);
    assert_eq!(stores.accounts.search("q", 4).await.unwrap().len(), 4);
    let (plain, _) = counts.take();
    assert!(plain <= 39 + 4, "{plain} statements for four users");
}
