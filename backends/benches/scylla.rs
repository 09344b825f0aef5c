//! Appends a second on a CQL server: one by one, and many in one conditional batch.
//!
//! `CONFAB_TEST_CQL=127.0.0.1:9042 cargo bench -p backends --bench scylla`: a keyspace is made there
//! and removed again.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may end so, and reports so")]

#[expect(dead_code, reason = "the bench uses some of it")]
#[path = "../tests/scylla/stage.rs"]
mod stage;
#[path = "../tests/scylla/writer.rs"]
mod writer;

use std::time::Duration;

use chat_core::{id::UserId, port::Stores};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    stage::Stage,
    writer::{Draft, Writer, fresh, text},
};

/// How long each line is measured.
const MEASURED: Duration = Duration::from_secs(6);

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

async fn measure(stores: &Stores, conversations: usize, batch: usize, projects: bool) {
    let mut writers = JoinSet::new();
    for _ in 0..conversations {
        writers.spawn(write(stores.clone(), batch, projects));
    }
    let (mut entries, mut took) = (0, Vec::new());
    for done in writers.join_all().await {
        entries += done.entries;
        took.extend(done.took);
    }
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    println!(
        "{conversations:3} conversations, batches of {batch:2}{}: {:7} appends/s, p50 {:?}, p99 {:?}",
        if projects { ", projected" } else { "" },
        entries as u64 / MEASURED.as_secs(),
        at(50),
        at(99),
    );
}

#[tokio::main]
async fn main() {
    let Some(stage) = Stage::empty("bench").await else { return };
    let gateway = stage.connect().await;
    let stores = gateway.stores();
    measure(&stores, 1, 1, false).await;
    for conversations in [1, 64] {
        for batch in [1, 16, 64] {
            measure(&stores, conversations, batch, false).await;
        }
    }
    measure(&stores, 64, 1, true).await;
    measure(&stores, 64, 16, true).await;
    gateway.close().await;
    stage.remove().await;
}
