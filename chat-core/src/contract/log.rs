//! Contract tests of [`crate::port::Log`] with one caller at a time.

use super::fixtures::{
    Batch, Draft, LogWriter, adjacent_ids, client_id, every_body, fresh, joined, last, text,
};
use crate::{
    id::{ConversationId, UserId},
    limits::{BATCH_BYTES_MAX, FOUNDERS_MAX, TEXT_BYTES_MAX},
    model::{ClientId, Head, Seq},
    port::{Appended, Stores},
};

/// A log without entries is empty (phantom).
pub async fn empty_log_has_the_default_head(stores: &[Stores]) {
    let writer = LogWriter::new(&stores[0]);
    writer.assert_log(stores, &[]).await;
    let key = client_id();
    let find = stores[0].log.find(writer.conversation, fresh(), &key, Seq::ZERO);
    assert_eq!(find.await.unwrap(), None);
}

/// Every kind of body is read back as written, with any Unicode text (lost-write).
pub async fn append_is_read_back_as_written(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let user = fresh();
    let drafts: Vec<_> = every_body(user).into_iter().map(|body| Draft::new(user, body)).collect();
    let entries = writer.append(&drafts).await;
    let seqs: Vec<_> = entries.iter().map(|entry| entry.seq.get()).collect();
    assert_eq!(seqs, (1..=10).collect::<Vec<_>>());
    writer.assert_log(stores, &entries).await;
}

/// An acknowledged entry is in every read that starts afterwards (stale-read).
pub async fn append_is_in_every_later_read_on_every_handle(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let sender = fresh();
    for _ in 0..32 {
        let entries = writer.append(&LogWriter::texts(sender, 1)).await;
        let after = entries[0].seq.previous();
        for stores in stores.iter().rev() {
            assert_eq!(writer.read_head(stores).await, writer.head);
            let read = stores.log.read(writer.conversation, after, entries[0].seq, 10);
            assert_eq!(read.await.unwrap(), entries);
        }
    }
}

/// The head has exactly the values of the newest append (inconsistent-offset).
pub async fn head_returns_the_values_of_the_last_append(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let user = fresh();
    let mut drafts = vec![Draft::new(user, joined(user))];
    drafts.extend(LogWriter::texts(user, 3));
    writer.append(&drafts).await;
    let head = writer.read_head(last(stores)).await;
    assert_eq!((head.seq, head.ord, head.members), (Seq::new(4), 3, 1));
    assert_eq!((head.text_seq, head.projected_seq), (Seq::new(4), Seq::new(1)));
    let mut batch = writer.batch(&LogWriter::texts(user, 1));
    batch.head = Head { members: 99_999, owners: u32::MAX, ..batch.head };
    assert_eq!(batch.append(&stores[0]).await, Appended::Done);
    assert_eq!(writer.read_head(last(stores)).await, batch.head);
}

/// Each requested head has its place in the answer, even if the log is empty or requested twice.
pub async fn heads_are_returned_in_the_order_requested(stores: &[Stores]) {
    let (mut one, mut other) = (LogWriter::new(&stores[0]), LogWriter::new(last(stores)));
    one.append(&LogWriter::texts(fresh(), 1)).await;
    other.append(&LogWriter::texts(fresh(), 2)).await;
    let requested = [other.conversation, fresh(), one.conversation, other.conversation];
    let heads = last(stores).log.heads(&requested).await.unwrap();
    assert_eq!(heads, [other.head, Head::default(), one.head, other.head]);
    assert_eq!(last(stores).log.heads(&[]).await.unwrap(), []);
}

/// An append cannot overwrite entries or leave a gap (inconsistent-offset, hole).
pub async fn append_is_refused_when_the_head_differs(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let sender = fresh();
    let before = Batch::new(writer.conversation, Head::default(), &LogWriter::texts(sender, 2));
    let ahead = Head { seq: Seq::new(9), ord: 9, ..Head::default() };
    let beyond = Batch::new(writer.conversation, ahead, &LogWriter::texts(sender, 1));
    let moved = Appended::Moved { head: Head::default() };
    assert_eq!(beyond.append(last(stores)).await, moved);
    let mut entries = writer.append(&LogWriter::texts(sender, 2)).await;
    entries.extend(writer.append(&LogWriter::texts(sender, 3)).await);
    for outdated in [before, beyond] {
        assert_eq!(outdated.append(last(stores)).await, Appended::Moved { head: writer.head });
    }
    writer.assert_log(stores, &entries).await;
}

/// A refused append leaves nothing behind, so its commands can be sent again (aborted-read).
pub async fn refused_append_does_not_use_up_client_ids(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let sender = fresh();
    let drafts = LogWriter::texts(sender, 3);
    let outdated = writer.batch(&drafts);
    let mut entries = writer.append(&LogWriter::texts(sender, 1)).await;
    assert_eq!(outdated.append(last(stores)).await, Appended::Moved { head: writer.head });
    let key = drafts[2].client_id.clone().unwrap();
    let find = last(stores).log.find(writer.conversation, sender, &key, Seq::ZERO);
    assert_eq!(find.await.unwrap(), None);
    entries.extend(writer.append(&drafts).await);
    writer.assert_log(stores, &entries).await;
}

/// A retry gets the entry of the first attempt, on every handle (duplicate, ack-divergence). If its
/// head is outdated too, it may get `Moved` instead.
pub async fn retry_returns_the_entry_of_the_first_attempt(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let draft = Draft::new(fresh(), text("once"));
    let first = writer.batch(std::slice::from_ref(&draft));
    let mut entries = writer.append(std::slice::from_ref(&draft)).await;
    entries.extend(writer.append(&LogWriter::texts(fresh(), 2)).await);
    let expected = Appended::Duplicate { entries: vec![(0, entries[0].clone())] };
    for stores in stores {
        let mut retry = writer.batch(&[Draft { body: text("twice"), ..draft.clone() }]);
        retry.bases = first.bases.clone();
        assert_eq!(retry.append(stores).await, expected);
        let answer = first.append(stores).await;
        assert!(
            answer == expected || answer == Appended::Moved { head: writer.head },
            "{answer:?}"
        );
    }
    writer.assert_log(stores, &entries).await;
}

/// One known client id refuses the whole batch. The answer has all known ones with their indexes
/// (duplicate, phantom).
pub async fn batch_is_refused_whole_when_one_client_id_is_known(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let known = [LogWriter::texts(fresh(), 1), LogWriter::texts(fresh(), 1)].concat();
    let new = LogWriter::texts(fresh(), 3);
    let entries = writer.append(&known).await;
    let mixed = [&new[0], &known[1], &new[1], &known[0], &new[2]].map(Clone::clone);
    let mut batch = writer.batch(&mixed);
    batch.bases = vec![Seq::ZERO; mixed.len()];
    let existing = vec![(1, entries[1].clone()), (3, entries[0].clone())];
    assert_eq!(batch.append(last(stores)).await, Appended::Duplicate { entries: existing });
    writer.assert_log(stores, &entries).await;
    let rest = writer.append(&new).await;
    writer.assert_log(stores, &[entries, rest].concat()).await;
}

/// A client id of another sender, in another conversation, or with one more character belongs to
/// another command (lost-write).
pub async fn client_id_is_scoped_to_sender_and_conversation(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let mut other_writer = LogWriter::new(&stores[0]);
    let key = |text: &str| ClientId::new(text).ok();
    let [sender, next, _] = adjacent_ids(UserId::new);
    let draft = Draft { sender, client_id: key("a"), body: text("same") };
    let others = [
        Draft { sender: next, ..draft.clone() },
        Draft { client_id: key("A"), ..draft.clone() },
        Draft { client_id: key("a-"), ..draft.clone() },
        Draft { client_id: key(&"a".repeat(64)), ..draft.clone() },
    ];
    let mut entries = writer.append(std::slice::from_ref(&draft)).await;
    for other in others {
        entries.extend(writer.append(&[other]).await);
    }
    let other_log = other_writer.append(&[draft]).await;
    writer.assert_log(stores, &entries).await;
    other_writer.assert_log(stores, &other_log).await;
}

/// Entries without a client id are never taken for retries (lost-write).
pub async fn entries_without_client_id_are_never_duplicates(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let sender = fresh();
    let draft = |user| Draft { sender, client_id: None, body: joined(user) };
    let mut entries = writer.append(&[draft(fresh()), draft(fresh())]).await;
    entries.extend(writer.append(&[draft(sender)]).await);
    writer.assert_log(stores, &entries).await;
}

/// A read starts after `after`, has no gaps, and ends at `to`, at `limit` or at the head (hole).
pub async fn reads_are_contiguous_and_bounded(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let mut entries = writer.append(&LogWriter::texts(fresh(), 20)).await;
    entries.extend(writer.append(&LogWriter::texts(fresh(), 10)).await);
    for (after, to, limit, expected) in [
        (0, 30, 100, 0..30),
        (0, 30, 7, 0..7),
        (15, 25, 100, 15..25),
        (15, 25, 3, 15..18),
        (29, 30, 1, 29..30),
        (25, 1_000_000, 100, 25..30),
        (10, 10, 100, 0..0),
        (20, 10, 100, 0..0),
        (30, 40, 100, 0..0),
        (9_000, 1_000_000, 100, 0..0),
    ] {
        let (after, to) = (Seq::new(after), Seq::new(to));
        let read = last(stores).log.read(writer.conversation, after, to, limit).await;
        assert_eq!(read.unwrap(), entries[expected], "({after}, {to}], up to {limit}");
    }
}

/// A client id is found with any base before its entry, and in a short log with any base at all
/// (ack-divergence).
pub async fn find_returns_the_entry_of_a_client_id(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let sender = fresh();
    let drafts = LogWriter::texts(sender, 3);
    let entries = writer.append(&drafts).await;
    let log = &last(stores).log;
    let conversation = writer.conversation;
    for (draft, entry) in drafts.iter().zip(&entries) {
        let key = draft.client_id.as_ref().unwrap();
        for base in [Seq::ZERO, entry.seq.previous(), writer.head.seq] {
            let found = log.find(conversation, sender, key, base).await.unwrap();
            assert_eq!(found.as_ref(), Some(entry));
        }
        assert_eq!(log.find(conversation, fresh(), key, Seq::ZERO).await.unwrap(), None);
        assert_eq!(log.find(fresh(), sender, key, Seq::ZERO).await.unwrap(), None);
    }
    assert_eq!(log.find(conversation, sender, &client_id(), Seq::ZERO).await.unwrap(), None);
}

/// Conversations with adjacent ids do not mix (phantom).
pub async fn conversations_with_adjacent_ids_are_separate(stores: &[Stores]) {
    let mut log_writers = adjacent_ids(ConversationId::new)
        .map(|conversation| LogWriter::of(&stores[0], conversation));
    let mut logs = Vec::new();
    for (nth, writer) in log_writers.iter_mut().enumerate() {
        logs.push(writer.append(&LogWriter::texts(fresh(), 3 - nth)).await);
    }
    for (writer, entries) in log_writers.iter().zip(&logs) {
        writer.assert_log(stores, entries).await;
    }
}

/// One append can have as many bytes as one group commit.
pub async fn largest_batch_fits_one_append(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let sender = fresh();
    let count = BATCH_BYTES_MAX / TEXT_BYTES_MAX;
    let big = |nth: usize| {
        let mark = u8::try_from(nth).map_or('x', |nth| char::from(b'a' + nth));
        Draft::new(sender, text(&mark.to_string().repeat(TEXT_BYTES_MAX)))
    };
    let entries = writer.append(&(0..count).map(big).collect::<Vec<_>>()).await;
    writer.assert_log(stores, &entries).await;
}

/// The largest new group is created in one append.
pub async fn largest_new_group_fits_one_append(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let founder = fresh();
    let mut drafts = vec![Draft::new(founder, joined(founder))];
    let others = || Draft { sender: founder, client_id: None, body: joined(fresh()) };
    drafts.resize_with(FOUNDERS_MAX, others);
    let mut entries = writer.write_all(&drafts).await;
    entries.push(writer.write(founder, text("welcome")).await);
    assert_eq!(writer.head.members as usize, FOUNDERS_MAX);
    writer.assert_log(stores, &entries).await;
}
