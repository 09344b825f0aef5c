//! Logs are split into buckets of a fixed number of entries, one partition each. The bucket of a
//! seq follows without a search, and partitions stay at a few MB.

use chat_core::model::Seq;

/// The size of all buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buckets {
    entries: u64,
}

impl Buckets {
    /// Buckets of this many entries, at least one.
    pub(super) const fn of(entries: u64) -> Self {
        Self { entries: if entries == 0 { 1 } else { entries } }
    }

    /// Returns the bucket that holds this seq.
    pub(super) const fn of_seq(self, seq: Seq) -> u64 {
        seq.previous().get() / self.entries
    }

    /// Returns the last seq of a bucket.
    pub(super) const fn end(self, bucket: u64) -> Seq {
        Seq::new((bucket + 1) * self.entries)
    }

    /// Returns how many entries after `after` fit into the bucket of the next entry: from one, just
    /// before the edge, to a whole bucket at the edge.
    pub(super) const fn room(self, after: Seq) -> u64 {
        self.end(self.of_seq(after.next())).since(after)
    }
}

/// A bucket as a CQL `int`.
pub(super) fn bucket_column(bucket: u64) -> i32 {
    i32::try_from(bucket).unwrap_or(i32::MAX)
}

/// A number as a CQL `bigint`.
pub(super) fn bigint(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_of_a_seq_changes_where_the_room_ends() {
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
