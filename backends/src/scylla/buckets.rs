//! Where an entry is: logs are cut into buckets of a fixed number of entries, so that any seq is
//! found without a search and partitions stay at a few MB.

use chat_core::model::Seq;

/// How logs are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buckets {
    entries: u64,
}

impl Buckets {
    /// Buckets of so many entries, at least one.
    pub(super) const fn of(entries: u64) -> Self {
        Self { entries: if entries == 0 { 1 } else { entries } }
    }

    /// The bucket of this entry.
    pub(super) const fn of_seq(self, seq: Seq) -> u64 {
        seq.previous().get() / self.entries
    }

    /// The last seq that a bucket has room for.
    pub(super) const fn end(self, bucket: u64) -> Seq {
        Seq::new((bucket + 1) * self.entries)
    }

    /// How many entries fit after this one before the edge.
    pub(super) const fn room(self, after: Seq) -> u64 {
        self.end(self.of_seq(after.next())).since(after)
    }
}

/// A bucket as the store keeps it.
pub(super) fn column(bucket: u64) -> i32 {
    i32::try_from(bucket).unwrap_or(i32::MAX)
}

/// A number as the store keeps it.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seq_has_its_bucket_and_edges_are_where_room_ends() {
        let buckets = Buckets::of(8);
        for (seq, bucket) in [(1, 0), (8, 0), (9, 1), (16, 1), (17, 2)] {
            assert_eq!(buckets.of_seq(Seq::new(seq)), bucket, "{seq}");
        }
        assert_eq!(buckets.end(0), Seq::new(8));
        for (after, room) in [(0, 8), (1, 7), (7, 1), (8, 8), (15, 1)] {
            assert_eq!(buckets.room(Seq::new(after)), room, "{after}");
        }
    }
}
