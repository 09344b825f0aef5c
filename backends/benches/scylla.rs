//! Measures appends a second on a CQL server: one by one, many in one conditional batch, and
//! through the group commit of busy conversations, also as a multiple of appending one by one.
//!
//! `CONFAB_TEST_CQL=127.0.0.1:9042 cargo bench -p backends --bench scylla` creates a keyspace there
//! and removes it at the end. `cargo xtask load --store` starts a server first.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may panic, and it prints its results"
)]

#[path = "scylla/busy.rs"]
mod busy;
#[expect(dead_code, reason = "the bench uses a part of it")]
#[path = "../tests/scylla/keyspace.rs"]
mod keyspace;
#[path = "../tests/scylla/writer.rs"]
mod writer;

use std::time::Duration;

use chat_core::{id::UserId, port::Stores};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    busy::BusyChat,
    keyspace::TestKeyspace,
    writer::{Draft, Writer, fresh, text},
};

/// How long each measurement takes.
const MEASURED: Duration = Duration::from_secs(6);
/// How many conversations are busy at the same time.
const CONVERSATIONS: usize = 64;
/// How many users send in each of them.
const SENDERS: usize = 16;

/// What one writer has appended, and how long each append took.
#[derive(Default)]
struct Measured {
    entries: usize,
    took: Vec<Duration>,
}

/// Appends batches of this size one after the other, and projects them if `projects`.
async fn write(stores: Stores, batch: usize, projects: bool) -> Measured {
    let mut writer = Writer::new();
    let mut done = Measured::default();
    let sender: UserId = fresh();
    let end = Instant::now() + MEASURED;
    while Instant::now() < end {
        let began = Instant::now();
        let count = batch.min(stores.log.room(writer.head.seq));
        let body = text(&"x".repeat(120));
        let drafts: Vec<_> = (0..count).map(|_| Draft::new(sender, body.clone())).collect();
        let entries = writer.append(&stores, &drafts).await;
        if projects {
            stores.conversations.project(&entries).await.unwrap();
        }
        done.entries += entries.len();
        done.took.push(began.elapsed());
    }
    done
}

/// Measures this many writers, each in its own conversation. Returns appends a second.
async fn measure(stores: &Stores, conversations: usize, batch: usize, projects: bool) -> u64 {
    let mut writers = JoinSet::new();
    for _ in 0..conversations {
        writers.spawn(write(stores.clone(), batch, projects));
    }
    let mut entries = 0;
    let mut took = Vec::new();
    for done in writers.join_all().await {
        entries += done.entries;
        took.extend(done.took);
    }
    let projected = if projects { ", projected" } else { "" };
    report(&format!("{conversations} conversations, batches of {batch}{projected}"), entries, took)
}

/// Prints a measurement. Returns appends a second.
fn report(what: &str, entries: usize, mut took: Vec<Duration>) -> u64 {
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    let a_second = entries as u64 / MEASURED.as_secs();
    println!("{what:50} {a_second:7}/s, p50 {:?}, p99 {:?}", at(50), at(99));
    a_second
}

/// Compares the group commit of busy conversations with writers that append one by one without
/// contention. Those are measured before and after, because a server changes while it is loaded.
async fn compare_group_commit(stores: &Stores) {
    let before = measure(stores, CONVERSATIONS, 1, false).await;
    let busy = Box::pin(BusyChat::start(stores.clone(), CONVERSATIONS, SENDERS)).await;
    let took = busy.send(MEASURED).await;
    let what = format!("{CONVERSATIONS} conversations, {SENDERS} senders each, group commit");
    let grouped = report(&what, took.len(), took);
    let after = measure(stores, CONVERSATIONS, 1, false).await;
    let tenths = grouped * 20 / (before + after).max(1);
    println!("group commit: {}.{} times", tenths / 10, tenths % 10);
}

#[tokio::main]
async fn main() {
    let Some(keyspace) = TestKeyspace::empty("bench").await else { return };
    let gateway = keyspace.connect().await;
    let stores = gateway.stores();
    for conversations in [1, CONVERSATIONS] {
        for batch in [1, 16, 64] {
            measure(&stores, conversations, batch, false).await;
        }
    }
    for batch in [1, 16] {
        measure(&stores, CONVERSATIONS, batch, true).await;
    }
    // The comparison comes last, when the server is warm.
    for _ in 0..2 {
        compare_group_commit(&stores).await;
    }
    drop(stores);
    gateway.close().await;
    keyspace.remove().await;
}
