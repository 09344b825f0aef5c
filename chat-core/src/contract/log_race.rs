//! Promises of [`crate::port::Log`] to many callers at the same moment.

use std::collections::{HashMap, HashSet};

use tokio::task::JoinSet;

use super::scene::{Batch, Draft, Scribe, fresh, last};
use crate::{
    error::StoreError,
    id::ConversationId,
    model::{Entry, Head, Seq},
    port::{Append, Appended, Stores},
};

/// How often one append is tried before the store counts as stuck.
const TRIES_MAX: usize = 500;

/// Appends one draft as a gateway would, over whatever the store answers, until it is known which
/// entry stands for it.
async fn settle(stores: Stores, conversation: ConversationId, draft: Draft, base: Seq) -> Entry {
    let mut head = head_on(&stores, conversation).await;
    for _ in 0..TRIES_MAX {
        let batch = Batch::new(conversation, head, std::slice::from_ref(&draft));
        match try_once(&stores, &batch, base).await {
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
                head = head_on(&stores, conversation).await;
            }
            Err(StoreError::Corrupt(detail)) => unreachable!("{detail}"),
        }
    }
    unreachable!("no append of {TRIES_MAX} came to an end")
}

async fn head_on(stores: &Stores, conversation: ConversationId) -> Head {
    stores.log.heads(&[conversation]).await.unwrap()[0]
}

async fn try_once(stores: &Stores, batch: &Batch, base: Seq) -> Result<Appended, StoreError> {
    let (conversation, entries) = (batch.entries[0].conversation, &*batch.entries);
    let (after, head) = (batch.after, batch.head);
    stores.log.append(Append { conversation, after, entries, bases: &[base], head }).await
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

/// Dense from 1, each key once, times and counts of texts never back.
fn assert_is_a_log(entries: &[Entry]) {
    let mut keys = HashSet::new();
    for (nth, entry) in entries.iter().enumerate() {
        assert_eq!(entry.seq, Seq::new(nth as u64 + 1), "a hole");
        assert!(keys.insert((entry.sender, entry.client_id.clone())), "a duplicate: {entry:?}");
    }
    let ords = entries.iter().filter(|entry| entry.body.is_text()).map(|entry| entry.ord);
    assert!(ords.eq(1..=entries.iter().filter(|entry| entry.body.is_text()).count() as u64));
    assert!(entries.is_sorted_by_key(|entry| entry.at));
}

/// Eight callers on all handles, three in ten commands sent on two handles at once: one dense log,
/// each command in it once, both answers the same, nothing else (lost-write, duplicate,
/// ack-divergence, hole, phantom).
pub async fn concurrent_appenders_make_one_log(stores: &[Stores]) {
    let scribe = Scribe::new(&stores[0]);
    let conversation = scribe.conversation;
    let mut appenders = JoinSet::new();
    for nth in 0..8 {
        let (one, other) = (&stores[nth % stores.len()], &stores[(nth + 1) % stores.len()]);
        appenders.spawn(appender([one.clone(), other.clone()], conversation));
    }
    let answers: Vec<_> = appenders.join_all().await.into_iter().flatten().collect();
    for stores in stores {
        let log = scribe.log_on(stores).await;
        assert_is_a_log(&log);
        assert_eq!(log.len(), 8 * 20);
        assert_eq!(scribe.head_on(stores).await.ord, 8 * 20);
        assert!(answers.iter().all(|answer| log.contains(answer)), "an answer is not in the log");
    }
}

/// Twenty commands one after the other; what every attempt was answered.
async fn appender(handles: [Stores; 2], conversation: ConversationId) -> Vec<Entry> {
    let mut answers = Vec::new();
    let mut base = Seq::ZERO;
    for (nth, draft) in Scribe::texts(fresh(), 20).into_iter().enumerate() {
        let [one, other] = handles.clone();
        let first = settle(one, conversation, draft.clone(), base);
        let entry = if nth % 10 < 3 {
            let (first, second) = tokio::join!(first, settle(other, conversation, draft, base));
            assert_eq!(first, second, "two answers to one command");
            first
        } else {
            first.await
        };
        assert!(entry.seq > base, "a later command stands before an earlier one");
        base = entry.seq;
        answers.push(entry);
    }
    answers
}

/// Of many different appends at the same head one is done, and the others are told the head that
/// it left (inconsistent-offset).
pub async fn one_append_wins_at_each_head(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let mut entries = Vec::new();
    for _ in 0..16 {
        let mut racers = JoinSet::new();
        for nth in 0..4 {
            let (stores, batch) =
                (stores[nth % stores.len()].clone(), scribe.batch(&Scribe::texts(fresh(), 2)));
            racers.spawn(async move { (batch.append(&stores).await, batch) });
        }
        let answers = racers.join_all().await;
        let done: Vec<_> = answers.iter().filter(|(answer, _)| *answer == Appended::Done).collect();
        assert_eq!(done.len(), 1, "{answers:?}");
        let winner = &done[0].1;
        scribe.head = winner.head;
        entries.extend_from_slice(&winner.entries);
        let moved = Appended::Moved { head: scribe.head };
        assert!(answers.iter().all(|(answer, _)| *answer == Appended::Done || *answer == moved));
    }
    scribe.holds(stores, &entries).await;
}

/// The same command at the same head on all handles makes one entry, whatever the losers hear
/// (duplicate).
pub async fn one_command_at_once_on_all_handles_makes_one_entry(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    for round in 1..=16 {
        let drafts = Scribe::texts(fresh(), 1);
        let mut racers = JoinSet::new();
        for nth in 0..4 {
            let (stores, batch) = (stores[nth % stores.len()].clone(), scribe.batch(&drafts));
            racers.spawn(async move { batch.append(&stores).await });
        }
        let answers = racers.join_all().await;
        assert_eq!(answers.iter().filter(|answer| **answer == Appended::Done).count(), 1);
        scribe.head = scribe.head_on(last(stores)).await;
        assert_eq!(scribe.head.seq, Seq::new(round));
        let log = scribe.log_on(last(stores)).await;
        assert_is_a_log(&log);
        let stands = Appended::Duplicate { entries: vec![(0, log[log.len() - 1].clone())] };
        let moved = Appended::Moved { head: scribe.head };
        for answer in answers {
            assert!([Appended::Done, stands.clone(), moved.clone()].contains(&answer));
        }
    }
}

/// Whoever reads while others append sees a dense beginning of the log that only grows, and never
/// an entry beyond a head read later (stale-read, inconsistent-offset, aborted-read).
pub async fn reader_beside_appenders_sees_a_growing_log(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let conversation = scribe.conversation;
    let reader = last(stores).clone();
    let reads = async {
        let mut seen: Vec<Entry> = Vec::new();
        while seen.len() < 128 {
            let to = Seq::new(u64::from(u32::MAX));
            let log = reader.log.read(conversation, Seq::ZERO, to, usize::MAX).await.unwrap();
            let head = head_on(&reader, conversation).await;
            assert_is_a_log(&log);
            assert!(log.starts_with(&seen), "the log changed behind a reader");
            assert!(log.len() as u64 <= head.seq.get());
            seen = log;
            tokio::task::yield_now().await;
        }
        seen
    };
    let writes = async {
        let mut entries = Vec::new();
        for _ in 0..32 {
            entries.extend(scribe.append(&Scribe::texts(fresh(), 4)).await);
            tokio::task::yield_now().await;
        }
        entries
    };
    let (seen, entries) = tokio::join!(reads, writes);
    assert_eq!(seen, entries);
}

/// Many conversations at once: each has its own log (phantom).
pub async fn conversations_are_appended_to_side_by_side(stores: &[Stores]) {
    let mut writers = JoinSet::new();
    for nth in 0..16 {
        let mut scribe = Scribe::new(&stores[nth % stores.len()]);
        writers.spawn(async move {
            let mut entries = Vec::new();
            for _ in 0..8 {
                entries.extend(scribe.append(&Scribe::texts(fresh(), 2)).await);
            }
            (scribe, entries)
        });
    }
    let logs: HashMap<_, _> = writers
        .join_all()
        .await
        .into_iter()
        .map(|(one, log)| (one.conversation, (one, log)))
        .collect();
    for (scribe, entries) in logs.values() {
        scribe.holds(stores, entries).await;
    }
}
