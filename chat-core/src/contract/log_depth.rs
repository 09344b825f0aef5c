//! Promises of [`crate::port::Log`] on long logs. Stores may cut a log into pieces of
//! [`crate::limits::REPEAT_ENTRIES_MIN`] entries; nobody may notice where.

use super::scene::{Draft, Scribe, fresh, last, text};
use crate::{
    limits::{APPEND_ENTRIES_MAX, REPEAT_ENTRIES_MIN},
    model::{Entry, Seq},
    port::{Appended, Stores},
};

/// A log of so many texts, appended in large steps none of which goes over an edge.
async fn grow(scribe: &mut Scribe, to: u64) -> Vec<Entry> {
    let sender = fresh();
    let mut entries = Vec::new();
    while scribe.head.seq.get() < to {
        let head = scribe.head.seq.get();
        let edge = (head / REPEAT_ENTRIES_MIN + 1) * REPEAT_ENTRIES_MIN;
        let count = usize::try_from(edge.min(to) - head).unwrap().min(APPEND_ENTRIES_MAX);
        entries.extend(scribe.append(&Scribe::texts(sender, count)).await);
    }
    entries
}

/// What repeats of this entry are answered, on every handle, when its command was first made at
/// this base.
async fn assert_is_found(scribe: &Scribe, stores: &[Stores], entry: &Entry, base: Seq) {
    let key = entry.client_id.clone();
    let draft = Draft { sender: entry.sender, client_id: key, body: entry.body.clone() };
    let mut batch = scribe.batch(std::slice::from_ref(&draft));
    batch.bases = vec![base];
    let stands = Appended::Duplicate { entries: vec![(0, entry.clone())] };
    for stores in stores {
        assert_eq!(batch.append(stores).await, stands, "{:?} from {base:?}", entry.seq);
        let key = entry.client_id.as_ref().unwrap();
        let found = stores.log.find(scribe.conversation, entry.sender, key, base).await;
        assert_eq!(found.unwrap().as_ref(), Some(entry), "{:?} from {base:?}", entry.seq);
    }
}

/// A repeat is found however long ago its command was first made, with the head of then as its
/// base; and without one in the newest entries (duplicate, ack-divergence).
pub async fn repeats_are_found_at_any_depth(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let edge = REPEAT_ENTRIES_MIN;
    let entries = grow(&mut scribe, 2 * edge + 64).await;
    let old = [1, 2, 255, edge - 1, edge, edge + 1, edge + 2, 2 * edge, 2 * edge + 1];
    for seq in old.map(Seq::new) {
        let entry = &entries[usize::try_from(seq.previous().get()).unwrap()];
        assert_is_found(&scribe, stores, entry, seq.previous()).await;
    }
    assert_is_found(&scribe, stores, &entries[0], Seq::ZERO).await;
    for seq in [edge + 65, 2 * edge, 2 * edge + 64] {
        let entry = &entries[usize::try_from(seq - 1).unwrap()];
        assert_is_found(&scribe, stores, entry, scribe.head.seq).await;
    }
    assert_eq!(scribe.head_on(last(stores)).await, scribe.head);
}

/// A log is read, numbered and added to across an edge as anywhere else (hole).
pub async fn log_goes_on_over_an_edge(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let edge = REPEAT_ENTRIES_MIN;
    let mut entries = grow(&mut scribe, edge - 2).await;
    for count in [1, 1, 1, 3] {
        entries.extend(scribe.append(&Scribe::texts(fresh(), count)).await);
        assert_eq!(scribe.head_on(last(stores)).await, scribe.head);
    }
    scribe.holds(stores, &entries).await;
    for (after, to, limit) in [
        (edge - 3, edge + 3, 9),
        (edge - 1, edge + 1, 9),
        (edge, edge + 4, 9),
        (edge - 5, edge + 2, 6),
    ] {
        let read = last(stores).log.read(scribe.conversation, Seq::new(after), Seq::new(to), limit);
        let from = usize::try_from(after).unwrap();
        let until = usize::try_from(to).unwrap().min(from + limit);
        assert_eq!(read.await.unwrap(), entries[from..until.min(entries.len())]);
    }
}

/// A head at an edge is known to be one, also to appends that come too early or too late
/// (inconsistent-offset).
pub async fn stale_appends_are_refused_at_an_edge(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let mut entries = grow(&mut scribe, REPEAT_ENTRIES_MIN).await;
    let sender = fresh();
    let first_after = scribe.batch(&[Draft::new(sender, text("first of a piece"))]);
    let other = scribe.batch(&[Draft::new(sender, text("too late"))]);
    assert_eq!(first_after.append(last(stores)).await, Appended::Done);
    scribe.head = first_after.head;
    entries.extend(first_after.entries);
    let moved = Appended::Moved { head: scribe.head };
    assert_eq!(other.append(&stores[0]).await, moved);
    let mut older = other.clone();
    older.after = Seq::new(REPEAT_ENTRIES_MIN - 1);
    older.entries[0].seq = Seq::new(REPEAT_ENTRIES_MIN);
    older.head.seq = Seq::new(REPEAT_ENTRIES_MIN);
    assert_eq!(older.append(&stores[0]).await, moved);
    scribe.holds(stores, &entries).await;
}
