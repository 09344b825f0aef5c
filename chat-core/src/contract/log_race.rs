//! Contract tests of [`crate::port::Log`] with concurrent callers.

use std::collections::{HashMap, HashSet};

use tokio::task::JoinSet;

use super::fixtures::{Batch, Draft, LogWriter, fresh, last};
use crate::{
    error::StoreError,
    id::ConversationId,
    model::{Entry, Head, Seq},
    port::{Append, Appended, Stores},
};

/// The number of attempts after which a test considers the store stuck.
const ATTEMPTS_MAX: usize = 500;

/// Appends one draft as a gateway would: retries until the entry of the draft is known, and returns
/// that entry.
async fn append_until_known(
    stores: Stores,
    conversation: ConversationId,
    draft: Draft,
    base: Seq,
) -> Entry {
    let mut head = read_head(&stores, conversation).await;
    for _ in 0..ATTEMPTS_MAX {
        let batch = Batch::new(conversation, head, std::slice::from_ref(&draft));
        match append_once(&stores, &batch, base).await {
            Ok(Appended::Done) => {
                stores.conversations.project(&batch.entries).await.unwrap();
                return batch.entries[0].clone();
            }
            Ok(Appended::Duplicate { entries }) => return entries[0].1.clone(),
            Ok(Appended::Moved { head: newer }) => head = newer,
            Err(StoreError::Unavailable(_)) => {}
            Err(StoreError::Unknown(_)) => {
                if let Some(entry) = found(&stores, conversation, &draft, base).await {
                    return entry;
                }
                head = read_head(&stores, conversation).await;
            }
            Err(StoreError::Corrupt(detail)) => unreachable!("{detail}"),
        }
    }
    unreachable!("none of {ATTEMPTS_MAX} attempts had a known outcome")
}

async fn read_head(stores: &Stores, conversation: ConversationId) -> Head {
    stores.log.heads(&[conversation]).await.unwrap()[0]
}

async fn append_once(stores: &Stores, batch: &Batch, base: Seq) -> Result<Appended, StoreError> {
    let append = Append {
        conversation: batch.entries[0].conversation,
        after: batch.after,
        entries: &batch.entries,
        bases: &[base],
        head: batch.head,
    };
    stores.log.append(append).await
}

async fn found(
    stores: &Stores,
    conversation: ConversationId,
    draft: &Draft,
    base: Seq,
) -> Option<Entry> {
    let client_id = draft.client_id.as_ref()?;
    stores.log.find(conversation, draft.sender, client_id, base).await.unwrap()
}

/// Checks that seqs are dense from 1, client ids are unique, and times and counts never decrease.
fn assert_is_a_log(entries: &[Entry]) {
    let mut keys = HashSet::new();
    for (nth, entry) in entries.iter().enumerate() {
        assert_eq!(entry.seq, Seq::new(nth as u64 + 1), "a gap");
        assert!(keys.insert((entry.sender, entry.client_id.clone())), "a duplicate: {entry:?}");
    }
    let ords = entries.iter().filter(|entry| entry.body.is_text()).map(|entry| entry.ord);
    assert!(ords.eq(1..=entries.iter().filter(|entry| entry.body.is_text()).count() as u64));
    assert!(entries.is_sorted_by_key(|entry| entry.at));
}

/// Eight callers on all handles send three in ten commands twice, on two handles concurrently. The
/// log is dense and has each command once, and both answers are equal (lost-write, duplicate,
/// ack-divergence, hole, phantom).
pub async fn concurrent_appends_make_one_dense_log(stores: &[Stores]) {
    let writer = LogWriter::new(&stores[0]);
    let conversation = writer.conversation;
    let mut appenders = JoinSet::new();
    for nth in 0..8 {
        let (one, other) = (&stores[nth % stores.len()], &stores[(nth + 1) % stores.len()]);
        appenders.spawn(send_commands([one.clone(), other.clone()], conversation));
    }
    let answers: Vec<_> = appenders.join_all().await.into_iter().flatten().collect();
    for stores in stores {
        let log = writer.read_log(stores).await;
        assert_is_a_log(&log);
        assert_eq!(log.len(), 8 * 20);
        assert_eq!(writer.read_head(stores).await.ord, 8 * 20);
        assert!(answers.iter().all(|answer| log.contains(answer)), "an answer is not in the log");
    }
}

/// Sends twenty commands one after the other and returns all answers.
async fn send_commands(handles: [Stores; 2], conversation: ConversationId) -> Vec<Entry> {
    let mut answers = Vec::new();
    let mut base = Seq::ZERO;
    for (nth, draft) in LogWriter::texts(fresh(), 20).into_iter().enumerate() {
        let [one, other] = handles.clone();
        let first = append_until_known(one, conversation, draft.clone(), base);
        let entry = if nth % 10 < 3 {
            let (first, second) =
                tokio::join!(first, append_until_known(other, conversation, draft, base));
            assert_eq!(first, second, "two answers to one command");
            first
        } else {
            first.await
        };
        assert!(entry.seq > base, "a later command has a lower seq than an earlier one");
        base = entry.seq;
        answers.push(entry);
    }
    answers
}

/// Of several appends at the same head one succeeds, and the others get the head after it
/// (inconsistent-offset).
pub async fn exactly_one_append_succeeds_at_each_head(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let mut entries = Vec::new();
    for _ in 0..16 {
        let mut racers = JoinSet::new();
        for nth in 0..4 {
            let (stores, batch) =
                (stores[nth % stores.len()].clone(), writer.batch(&LogWriter::texts(fresh(), 2)));
            racers.spawn(async move { (batch.append(&stores).await, batch) });
        }
        let answers = racers.join_all().await;
        let done: Vec<_> = answers.iter().filter(|(answer, _)| *answer == Appended::Done).collect();
        assert_eq!(done.len(), 1, "{answers:?}");
        let winner = &done[0].1;
        writer.head = winner.head;
        entries.extend_from_slice(&winner.entries);
        let moved = Appended::Moved { head: writer.head };
        assert!(answers.iter().all(|(answer, _)| *answer == Appended::Done || *answer == moved));
    }
    writer.assert_log(stores, &entries).await;
}

/// Concurrent copies of a command at the same head make one entry, whatever the others are answered
/// (duplicate).
pub async fn concurrent_copies_of_a_command_make_one_entry(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    for round in 1..=16 {
        let drafts = LogWriter::texts(fresh(), 1);
        let mut racers = JoinSet::new();
        for nth in 0..4 {
            let stores = stores[nth % stores.len()].clone();
            let batch = writer.batch(&drafts);
            racers.spawn(async move { batch.append(&stores).await });
        }
        let answers = racers.join_all().await;
        assert_eq!(answers.iter().filter(|answer| **answer == Appended::Done).count(), 1);
        writer.head = writer.read_head(last(stores)).await;
        assert_eq!(writer.head.seq, Seq::new(round));
        let log = writer.read_log(last(stores)).await;
        assert_is_a_log(&log);
        let duplicate = Appended::Duplicate { entries: vec![(0, log[log.len() - 1].clone())] };
        let moved = Appended::Moved { head: writer.head };
        for answer in answers {
            assert!([Appended::Done, duplicate.clone(), moved.clone()].contains(&answer));
        }
    }
}

/// A concurrent reader sees a dense prefix of the log that only grows, and no entry beyond a head
/// that it reads later (stale-read, inconsistent-offset, aborted-read).
pub async fn concurrent_reader_sees_a_growing_log(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let conversation = writer.conversation;
    let reader = last(stores).clone();
    let reads = async {
        let mut seen: Vec<Entry> = Vec::new();
        while seen.len() < 128 {
            let to = Seq::new(u64::from(u32::MAX));
            let log = reader.log.read(conversation, Seq::ZERO, to, usize::MAX).await.unwrap();
            let head = read_head(&reader, conversation).await;
            assert_is_a_log(&log);
            assert!(log.starts_with(&seen), "entries changed after they were read");
            assert!(log.len() as u64 <= head.seq.get());
            seen = log;
            tokio::task::yield_now().await;
        }
        seen
    };
    let appends = async {
        let mut entries = Vec::new();
        for _ in 0..32 {
            entries.extend(writer.append(&LogWriter::texts(fresh(), 4)).await);
            tokio::task::yield_now().await;
        }
        entries
    };
    let (seen, entries) = tokio::join!(reads, appends);
    assert_eq!(seen, entries);
}

/// Conversations that are appended to concurrently have separate logs (phantom).
pub async fn conversations_can_be_appended_to_concurrently(stores: &[Stores]) {
    let mut writers = JoinSet::new();
    for nth in 0..16 {
        let mut writer = LogWriter::new(&stores[nth % stores.len()]);
        writers.spawn(async move {
            let mut entries = Vec::new();
            for _ in 0..8 {
                entries.extend(writer.append(&LogWriter::texts(fresh(), 2)).await);
            }
            (writer, entries)
        });
    }
    let logs: HashMap<_, _> = writers
        .join_all()
        .await
        .into_iter()
        .map(|(one, log)| (one.conversation, (one, log)))
        .collect();
    for (writer, entries) in logs.values() {
        writer.assert_log(stores, entries).await;
    }
}
