//! Appends a second on a CQL server: one by one, many in one conditional batch, and through the
//! group commit of busy conversations, which is divided by the first kind.
//!
//! `CONFAB_TEST_CQL=127.0.0.1:9042 cargo bench -p backends --bench scylla`: a keyspace is made there
//! and removed again. `cargo xtask load --store` starts a server for it.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may end so, and reports so")]

#[path = "scylla/busy.rs"]
mod busy;
#[expect(dead_code, reason = "the bench uses some of it")]
#[path = "../tests/scylla/stage.rs"]
mod stage;
#[path = "../tests/scylla/writer.rs"]
mod writer;

use std::time::Duration;

use chat_core::{id::UserId, port::Stores};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    busy::Busy,
    stage::Stage,
    writer::{Draft, Writer, fresh, text},
};

/// How long each line is measured.
const MEASURED: Duration = Duration::from_secs(6);
/// Conversations that are busy at the same time.
const CONVERSATIONS: usize = 64;
/// Who send in each of them.
const SENDERS: usize = 16;

/// What one writer did.
#[derive(Default)]
struct Done {
    entries: usize,
    took: Vec<Duration>,
}

/// Appends batches of this size, one after the other; with the projections, where asked for.
async fn write(stores: Stores, batch: usize, projects: bool) -> Done {
    let (mut writer, mut done) = (Writer::new(), Done::default());
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

/// Appends a second of so many writers, each in a conversation of its own.
async fn measure(stores: &Stores, conversations: usize, batch: usize, projects: bool) -> u64 {
    let mut writers = JoinSet::new();
    for _ in 0..conversations {
        writers.spawn(write(stores.clone(), batch, projects));
    }
    let (mut entries, mut took) = (0, Vec::new());
    for done in writers.join_all().await {
        entries += done.entries;
        took.extend(done.took);
    }
    let projected = if projects { ", projected" } else { "" };
    report(&format!("{conversations} conversations, batches of {batch}{projected}"), entries, took)
}

/// Prints a line; the appends a second.
fn report(what: &str, entries: usize, mut took: Vec<Duration>) -> u64 {
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    let a_second = entries as u64 / MEASURED.as_secs();
    println!("{what:50} {a_second:7}/s, p50 {:?}, p99 {:?}", at(50), at(99));
    a_second
}

/// What group commit makes of conversations in which many send, as a multiple of appending their
/// texts one by one, each in a conditional batch of its own that nobody else is in the way of: the
/// mean of before and after, for a server changes while it is loaded.
async fn compare(stores: &Stores) {
    let before = measure(stores, CONVERSATIONS, 1, false).await;
    let busy = Box::pin(Busy::begin(stores.clone(), CONVERSATIONS, SENDERS)).await;
    let took = busy.send(MEASURED).await;
    let what = format!("{CONVERSATIONS} conversations, {SENDERS} senders each, group commit");
    let together = report(&what, took.len(), took);
    let after = measure(stores, CONVERSATIONS, 1, false).await;
    let tenths = together * 20 / (before + after).max(1);
    println!("group commit: {}.{} times", tenths / 10, tenths % 10);
}

#[tokio::main]
async fn main() {
    let Some(stage) = Stage::empty("bench").await else { return };
    let gateway = stage.connect().await;
    let stores = gateway.stores();
    for conversations in [1, CONVERSATIONS] {
        for batch in [1, 16, 64] {
            measure(&stores, conversations, batch, false).await;
        }
    }
    for batch in [1, 16] {
        measure(&stores, CONVERSATIONS, batch, true).await;
    }
    // Last: by now the server has warmed up.
    for _ in 0..2 {
        compare(&stores).await;
    }
    drop(stores);
    gateway.close().await;
    stage.remove().await;
}
