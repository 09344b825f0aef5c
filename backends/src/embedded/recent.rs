//! The heads and the senders' cursors that the newest batches moved.
//!
//! Each append moves a head, and the cursor of each sender. In a busy conversation the next append
//! moves both again, so a row of each would soon be replaced. A batch writes all of them as one
//! record instead. It replaces the record of the batch [`RECENT_BATCHES`] earlier. Whatever no later
//! batch has moved since then gets its own row in the same batch. Until then the values are in memory
//! too, and reads look here before they look for rows.

use std::{collections::VecDeque, hash::Hash};

use chat_core::{
    id::{ConversationId, UserId},
    id_map::IdMap,
    model::{Cursor, Head},
    time::Timestamp,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The number of batches whose moves are kept as records.
pub(super) const RECENT_BATCHES: u64 = 256;

/// A member of a conversation, whose cursor is meant.
pub(super) type Reader = (UserId, ConversationId);

/// What one batch moved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moves {
    /// The number of the batch's commit.
    pub(super) commit: u64,
    pub(super) heads: Vec<(ConversationId, Head)>,
    pub(super) cursors: Vec<(Reader, Cursor)>,
}

impl Moves {
    pub(super) const fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.cursors.is_empty()
    }
}

/// The values that the newest batches moved.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Values>);

#[derive(Debug, Default)]
struct Values {
    heads: IdMap<ConversationId, Moved<Head>>,
    cursors: IdMap<Reader, Moved<Cursor>>,
    /// The moves of each batch that made some, oldest first.
    batches: VecDeque<Moves>,
    /// Times of entries never decrease, so one of the records always has the newest.
    newest_entry_at: Timestamp,
}

/// A value, and the commit that moved it last.
#[derive(Debug, Clone, Copy)]
struct Moved<T> {
    commit: u64,
    value: T,
}

impl Values {
    fn add(&mut self, moves: Moves) {
        let commit = moves.commit;
        for (conversation, head) in &moves.heads {
            self.newest_entry_at = self.newest_entry_at.max(head.at);
            self.heads.insert(*conversation, Moved { commit, value: *head });
        }
        for (reader, cursor) in &moves.cursors {
            let before = self.cursors.get(reader).map_or(*cursor, |before| before.value);
            self.cursors.insert(*reader, Moved { commit, value: before.max(*cursor) });
        }
        self.batches.push_back(moves);
    }
}

impl Recent {
    /// Returns the head of a log, if a recent batch moved it.
    pub(super) fn head(&self, conversation: ConversationId) -> Option<Head> {
        self.0.lock().heads.get(&conversation).map(|moved| moved.value)
    }

    /// Returns the cursor to which recent batches moved this reader, if any did. The reader's row may
    /// be further.
    pub(super) fn cursor(&self, reader: Reader) -> Option<Cursor> {
        self.0.lock().cursors.get(&reader).map(|moved| moved.value)
    }

    /// Returns the values whose record this commit replaces and that no later batch has moved.
    pub(super) fn expiring(&self, commit: u64) -> Moves {
        let values = self.0.lock();
        let mut expiring = Moves { commit, ..Moves::default() };
        for batch in &values.batches {
            if batch.commit + RECENT_BATCHES > commit {
                break;
            }
            let heads = batch.heads.iter().map(|(conversation, _)| *conversation);
            expiring.heads.extend(last_moved_by(batch.commit, heads, &values.heads));
            let readers = batch.cursors.iter().map(|(reader, _)| *reader);
            expiring.cursors.extend(last_moved_by(batch.commit, readers, &values.cursors));
        }
        expiring
    }

    /// Adds the moves of a durable batch, and drops the values that have a row now.
    pub(super) fn commit(&self, moves: Moves, expired: &Moves) {
        let mut values = self.0.lock();
        let commit = moves.commit;
        for (conversation, _) in &expired.heads {
            values.heads.remove(conversation);
        }
        for (reader, _) in &expired.cursors {
            values.cursors.remove(reader);
        }
        while values.batches.front().is_some_and(|batch| batch.commit + RECENT_BATCHES <= commit) {
            values.batches.pop_front();
        }
        if !moves.is_empty() {
            values.add(moves);
        }
    }

    /// Adds the records that were read when the store opened. Records that a newer commit than
    /// `commit - RECENT_BATCHES` would have replaced have expired.
    pub(super) fn load(&self, mut records: Vec<Moves>, commit: u64) {
        let mut values = self.0.lock();
        let heads = records.iter().flat_map(|moves| &moves.heads);
        values.newest_entry_at = heads.map(|(_, head)| head.at).max().unwrap_or_default();
        records.retain(|moves| moves.commit + RECENT_BATCHES > commit);
        records.sort_unstable_by_key(|moves| moves.commit);
        for moves in records {
            values.add(moves);
        }
    }

    /// Returns the time of the newest entry of all logs.
    pub(super) fn newest_entry_at(&self) -> Timestamp {
        self.0.lock().newest_entry_at
    }

    /// Returns the conversations whose heads are here.
    pub(super) fn conversations(&self) -> Vec<ConversationId> {
        self.0.lock().heads.keys().copied().collect()
    }
}

fn last_moved_by<K: Copy + Eq + Hash, T: Copy>(
    commit: u64,
    keys: impl Iterator<Item = K>,
    values: &IdMap<K, Moved<T>>,
) -> impl Iterator<Item = (K, T)> {
    keys.filter_map(move |key| {
        let moved = values.get(&key).filter(|moved| moved.commit == commit)?;
        Some((key, moved.value))
    })
}

#[cfg(test)]
mod tests {
    use chat_core::model::Seq;

    use super::*;

    fn id(number: u64) -> ConversationId {
        ConversationId::new(number).unwrap()
    }

    fn moves(commit: u64, conversation: u64, seq: u64) -> Moves {
        let seq = Seq::new(seq);
        let cursor = Cursor { delivered_seq: seq, read_seq: seq, read_ord: seq.get() };
        Moves {
            commit,
            heads: vec![(id(conversation), Head { seq, ..Head::default() })],
            cursors: vec![((UserId::new(9).unwrap(), id(conversation)), cursor)],
        }
    }

    fn head_seq(recent: &Recent, conversation: u64) -> Option<u64> {
        recent.head(id(conversation)).map(|head| head.seq.get())
    }

    #[test]
    fn value_expires_with_the_last_batch_that_moved_it() {
        let recent = Recent::default();
        recent.commit(moves(1, 1, 10), &Moves::default());
        recent.commit(moves(2, 2, 20), &Moves::default());
        recent.commit(moves(3, 1, 11), &Moves::default());
        assert!(recent.expiring(RECENT_BATCHES).is_empty());
        assert!(recent.expiring(RECENT_BATCHES + 1).is_empty(), "a later batch moved it again");
        let expired = recent.expiring(RECENT_BATCHES + 2);
        assert_eq!(expired, Moves { commit: RECENT_BATCHES + 2, ..moves(2, 2, 20) });
        recent.commit(Moves { commit: RECENT_BATCHES + 2, ..Moves::default() }, &expired);
        assert_eq!((head_seq(&recent, 1), head_seq(&recent, 2)), (Some(11), None));
        assert_eq!(recent.cursor((UserId::new(9).unwrap(), id(2))), None);
        let expired = recent.expiring(RECENT_BATCHES + 3);
        assert_eq!(expired.heads, moves(3, 1, 11).heads);
    }

    #[test]
    fn newest_entry_is_known_when_its_record_has_expired() {
        let at = Timestamp::from_millis(7);
        let mut record = moves(1, 1, 1);
        record.heads[0].1.at = at;
        let recent = Recent::default();
        recent.load(vec![record, moves(0, 2, 1)], 1 + RECENT_BATCHES);
        assert_eq!((recent.newest_entry_at(), recent.conversations()), (at, vec![]));
    }

    #[test]
    fn newest_record_wins_when_records_are_loaded_in_any_order() {
        let recent = Recent::default();
        let records = vec![moves(300, 1, 30), moves(290, 1, 20), moves(41, 2, 5), moves(42, 3, 6)];
        recent.load(records, 41 + RECENT_BATCHES);
        assert_eq!(head_seq(&recent, 1), Some(30));
        assert_eq!(head_seq(&recent, 2), None, "its record has expired, and its row is newer");
        assert_eq!(head_seq(&recent, 3), Some(6));
        assert_eq!(recent.conversations().len(), 2);
    }
}
