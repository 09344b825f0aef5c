//! Contract tests of [`crate::port::Log`] with long logs. A store may split a log into partitions
//! of [`crate::limits::REPEAT_ENTRIES_MIN`] entries, which callers must not notice.

use super::fixtures::{Draft, LogWriter, fresh, last, text};
use crate::{
    limits::{APPEND_ENTRIES_MAX, REPEAT_ENTRIES_MIN},
    model::{Entry, Seq},
    port::{Appended, Stores},
};

/// Appends texts up to the seq `to`, in large batches that do not cross a partition edge.
async fn grow(writer: &mut LogWriter, to: u64) -> Vec<Entry> {
    let sender = fresh();
    let mut entries = Vec::new();
    while writer.head.seq.get() < to {
        let head = writer.head.seq.get();
        let edge = (head / REPEAT_ENTRIES_MIN + 1) * REPEAT_ENTRIES_MIN;
        let count = usize::try_from(edge.min(to) - head).unwrap().min(APPEND_ENTRIES_MAX);
        entries.extend(writer.append(&LogWriter::texts(sender, count)).await);
    }
    entries
}

/// Checks on every handle that a retry of this entry's command with this base gets the entry.
async fn assert_is_found(writer: &LogWriter, stores: &[Stores], entry: &Entry, base: Seq) {
    let key = entry.client_id.clone();
    let draft = Draft { sender: entry.sender, client_id: key, body: entry.body.clone() };
    let mut batch = writer.batch(std::slice::from_ref(&draft));
    batch.bases = vec![base];
    let expected = Appended::Duplicate { entries: vec![(0, entry.clone())] };
    for stores in stores {
        assert_eq!(batch.append(stores).await, expected, "{:?} from {base:?}", entry.seq);
        let key = entry.client_id.as_ref().unwrap();
        let found = stores.log.find(writer.conversation, entry.sender, key, base).await;
        assert_eq!(found.unwrap().as_ref(), Some(entry), "{:?} from {base:?}", entry.seq);
    }
}

/// A retry is recognized however old its command is, given the head of that time as its base. With
/// a newer base it is recognized among the newest entries (duplicate, ack-divergence).
pub async fn retries_are_recognized_at_any_depth(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let edge = REPEAT_ENTRIES_MIN;
    let entries = grow(&mut writer, 2 * edge + 64).await;
    let old = [1, 2, 255, edge - 1, edge, edge + 1, edge + 2, 2 * edge, 2 * edge + 1];
    for seq in old.map(Seq::new) {
        let entry = &entries[usize::try_from(seq.previous().get()).unwrap()];
        assert_is_found(&writer, stores, entry, seq.previous()).await;
    }
    assert_is_found(&writer, stores, &entries[0], Seq::ZERO).await;
    for seq in [edge + 65, 2 * edge, 2 * edge + 64] {
        let entry = &entries[usize::try_from(seq - 1).unwrap()];
        assert_is_found(&writer, stores, entry, writer.head.seq).await;
    }
    assert_eq!(writer.read_head(last(stores)).await, writer.head);
}

/// A log is read, numbered and appended to across an edge as anywhere else (hole).
pub async fn log_continues_across_a_partition_edge(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let edge = REPEAT_ENTRIES_MIN;
    let mut entries = grow(&mut writer, edge - 2).await;
    for count in [1, 1, 1, 3] {
        entries.extend(writer.append(&LogWriter::texts(fresh(), count)).await);
        assert_eq!(writer.read_head(last(stores)).await, writer.head);
    }
    writer.assert_log(stores, &entries).await;
    for (after, to, limit) in [
        (edge - 3, edge + 3, 9),
        (edge - 1, edge + 1, 9),
        (edge, edge + 4, 9),
        (edge - 5, edge + 2, 6),
    ] {
        let read = last(stores).log.read(writer.conversation, Seq::new(after), Seq::new(to), limit);
        let from = usize::try_from(after).unwrap();
        let until = usize::try_from(to).unwrap().min(from + limit);
        assert_eq!(read.await.unwrap(), entries[from..until.min(entries.len())]);
    }
}

/// Appends with a head before or after the true one are refused at an edge too
/// (inconsistent-offset).
pub async fn stale_appends_are_refused_at_a_partition_edge(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let mut entries = grow(&mut writer, REPEAT_ENTRIES_MIN).await;
    let sender = fresh();
    let first_after = writer.batch(&[Draft::new(sender, text("first of a partition"))]);
    let other = writer.batch(&[Draft::new(sender, text("too late"))]);
    assert_eq!(first_after.append(last(stores)).await, Appended::Done);
    writer.head = first_after.head;
    entries.extend(first_after.entries);
    let moved = Appended::Moved { head: writer.head };
    assert_eq!(other.append(&stores[0]).await, moved);
    let mut older = other.clone();
    older.after = Seq::new(REPEAT_ENTRIES_MIN - 1);
    older.entries[0].seq = Seq::new(REPEAT_ENTRIES_MIN);
    older.head.seq = Seq::new(REPEAT_ENTRIES_MIN);
    assert_eq!(older.append(&stores[0]).await, moved);
    writer.assert_log(stores, &entries).await;
}
