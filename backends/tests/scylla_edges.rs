//! Logs with buckets of 2 and 8 entries fulfil the contract of the log port, for appends that stay
//! within a bucket.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "scylla/keyspace.rs"]
mod keyspace;
#[path = "scylla/writer.rs"]
mod writer;

use backends::scylla::Scylla;
use chat_core::{
    error::StoreError,
    memory::MemoryStores,
    model::{Entry, Seq},
    port::{Appended, Stores},
};

use crate::{
    keyspace::TestKeyspace,
    writer::{Draft, Writer, fresh, text},
};

async fn open(name: &'static str, entries: u64) -> (Option<[Scylla; 2]>, Vec<Stores>) {
    let Some(keyspace) = TestKeyspace::shared(name, entries).await else {
        return (None, vec![MemoryStores::new()]);
    };
    let gateways = [keyspace.connect().await, keyspace.connect().await];
    let stores = gateways.iter().map(Scylla::stores).collect();
    (Some(gateways), stores)
}

macro_rules! bucket_suite {
    ($module:ident, $name:literal, $entries:literal: $($file:ident: $test:ident;)+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let (_guard, stores) = super::open($name, $entries).await;
                    chat_core::contract::$file::$test(&stores).await;
                }
            )+

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn repeated_command_is_found_across_bucket_edges() {
                let (guard, stores) = super::open($name, $entries).await;
                if guard.is_some() {
                    super::repeated_command_is_found_across_bucket_edges(&stores, $entries).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn append_is_refused_when_it_crosses_a_bucket_edge() {
                let (guard, stores) = super::open($name, $entries).await;
                if guard.is_some() {
                    super::append_is_refused_when_it_crosses_a_bucket_edge(&stores, $entries).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn append_returns_the_true_head_when_the_bucket_before_is_not_full() {
                let (guard, stores) = super::open($name, $entries).await;
                if guard.is_some() {
                    super::append_returns_the_true_head_when_the_bucket_before_is_not_full(
                        &stores, $entries,
                    )
                    .await;
                }
            }
        }
    };
}

bucket_suite!(two, "edges_2", 2:
    log: empty_log_has_the_default_head;
    log: append_is_in_every_later_read_on_every_handle;
    log: heads_are_returned_in_the_order_requested;
    log: client_id_is_scoped_to_sender_and_conversation;
    log: entries_without_client_id_are_never_duplicates;
    log_race: concurrent_appends_make_one_dense_log;
    log_race: exactly_one_append_succeeds_at_each_head;
    log_race: concurrent_copies_of_a_command_make_one_entry;
    log_race: conversations_can_be_appended_to_concurrently;
    members: members_follow_the_entries;
    conversations: title_is_that_of_the_newest_entry;
    cursors: sending_moves_the_senders_own_cursor;
);

bucket_suite!(eight, "edges_8", 8:
    log: empty_log_has_the_default_head;
    log: append_is_in_every_later_read_on_every_handle;
    log: append_is_refused_when_the_head_differs;
    log: refused_append_does_not_use_up_client_ids;
    log: retry_returns_the_entry_of_the_first_attempt;
    log: batch_is_refused_whole_when_one_client_id_is_known;
    log: find_returns_the_entry_of_a_client_id;
    log: conversations_with_adjacent_ids_are_separate;
    log_race: concurrent_appends_make_one_dense_log;
    log_race: exactly_one_append_succeeds_at_each_head;
    log_race: concurrent_copies_of_a_command_make_one_entry;
    log_race: concurrent_reader_sees_a_growing_log;
    log_race: conversations_can_be_appended_to_concurrently;
    erase: erase_removes_the_text_and_keeps_the_entry;
    overlays: overlays_follow_the_entries;
);

/// Appends forty entries one by one, on the gateways in turn.
async fn long_log(stores: &[Stores]) -> (Writer, Vec<Entry>) {
    let mut writer = Writer::new();
    let sender = fresh();
    let mut entries = Vec::new();
    for nth in 0..40 {
        let draft = Draft::new(sender, text(&format!("text {nth}")));
        entries.extend(writer.append(&stores[nth % stores.len()], &[draft]).await);
    }
    (writer, entries)
}

/// Asserts that a repeat of the entry's command from this base is answered with the entry.
async fn assert_repeat_is_found(writer: &Writer, stores: &Stores, entry: &Entry, base: Seq) {
    let sender = entry.sender;
    let client_id = entry.client_id.clone();
    let again = [Draft { sender, client_id: client_id.clone(), body: text("again") }];
    let stands = Appended::Duplicate { entries: vec![(0, entry.clone())] };
    let (answer, ..) = writer.append_from(stores, &again, base).await;
    assert_eq!(answer.unwrap(), stands, "entry {:?}", entry.seq);
    let key = client_id.as_ref().unwrap();
    let found = stores.log.find(writer.conversation, sender, key, base).await;
    assert_eq!(found.unwrap().as_ref(), Some(entry));
}

/// A command is found from its own base, across any number of edges. The newest commands are found
/// from every base. A gateway that reads the log for the first time finds them, too.
async fn repeated_command_is_found_across_bucket_edges(stores: &[Stores], bucket: u64) {
    let (writer, entries) = long_log(&stores[..1]).await;
    for handle in stores {
        for entry in &entries {
            assert_repeat_is_found(&writer, handle, entry, entry.seq.previous()).await;
        }
        let newest = entries.len() - usize::try_from(bucket).unwrap();
        for entry in &entries[newest..] {
            assert_repeat_is_found(&writer, handle, entry, writer.head.seq).await;
        }
        assert_eq!(writer.log(handle).await, entries);
        assert_eq!(writer.head_on(handle).await, writer.head);
    }
}

/// Nothing of a refused append is written. An append that fits into [`chat_core::port::Log::room`]
/// is accepted.
async fn append_is_refused_when_it_crosses_a_bucket_edge(stores: &[Stores], bucket: u64) {
    let mut writer = Writer::new();
    let sender = fresh();
    let drafts = |count| {
        std::iter::repeat_with(|| Draft::new(sender, text("x"))).take(count).collect::<Vec<_>>()
    };
    for _ in 0..10 {
        let room = stores[0].log.room(writer.head.seq);
        assert!((1..=usize::try_from(bucket).unwrap()).contains(&room));
        let over = drafts(room + 1);
        let (answer, ..) = writer.append_from(&stores[0], &over, writer.head.seq).await;
        assert_eq!(
            answer,
            Err(StoreError::Unavailable("append crosses the edge of a bucket".to_owned()))
        );
        assert_eq!(writer.head_on(&stores[1]).await, writer.head);
        let fitting = drafts(room.div_ceil(2));
        writer.append(&stores[0], &fitting).await;
    }
    assert_eq!(writer.head_on(&stores[1]).await, writer.head);
}

/// A caller assumes a head at an edge that the log has not reached.
async fn append_returns_the_true_head_when_the_bucket_before_is_not_full(
    stores: &[Stores],
    bucket: u64,
) {
    for reached in 0..bucket {
        let mut writer = Writer::new();
        let sender = fresh();
        for _ in 0..reached {
            writer.append(&stores[0], &[Draft::new(sender, text("x"))]).await;
        }
        let mut ahead = writer.clone();
        ahead.head.seq = Seq::new(bucket);
        for stores in stores {
            let draft = [Draft::new(sender, text("ahead"))];
            let (answer, ..) = ahead.append_from(stores, &draft, Seq::ZERO).await;
            assert_eq!(answer.unwrap(), Appended::Moved { head: writer.head });
        }
    }
}
